import { describe, expect, it } from 'vitest'
import { Stats } from './stats.ts'

describe('stats', () => {
  it('has no hit rate before the first read: idle is not unhealthy', () => {
    const stats = new Stats()
    stats.of('content')
    expect(stats.namespaces().content?.hitRate).toBe(null)
    expect(stats.total().hitRate).toBe(null)
  })

  it('counts as hits those of either tier, over all reads that went through the cache', () => {
    const stats = new Stats()
    Object.assign(stats.of('content'), { memoryHits: 5, kvHits: 1, misses: 1, stale: 1, bypasses: 10 })
    Object.assign(stats.of('user'), { misses: 4 })
    expect(stats.namespaces().content?.hitRate).toBe(0.75)
    expect(stats.namespaces().user?.hitRate).toBe(0)
    expect(stats.total()).toMatchObject({ memoryHits: 5, misses: 5, bypasses: 10, hitRate: 0.5 })
  })
})
