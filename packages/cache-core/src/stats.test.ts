import { describe, expect, it } from 'vitest'
import { hitRate, Stats } from './stats.ts'

describe('stats', () => {
  it('has no hit rate before the first read: idle is not unhealthy', () => {
    const stats = new Stats()
    stats.of('content')
    expect(stats.namespaces().content?.hitRate).toBe(null)
    expect(stats.total().hitRate).toBe(null)
  })

  it('counts as hits those of either tier, over all reads that went through the cache', () => {
    const stats = new Stats()
    const content = stats.of('content')
    for (let i = 0; i < 5; i++) content.memoryHit(i === 0, 10)
    content.kvHit(true, 20, 7)
    content.staleHit(60_000)
    Object.assign(content, { misses: 1, bypasses: 10 })
    Object.assign(stats.of('user'), { misses: 4 })
    expect(stats.namespaces().content).toMatchObject({
      memoryHits: 5,
      kvHits: 1,
      stale: 1,
      warmedHits: 2,
      kvBytes: 7,
      hitRate: 0.75,
    })
    expect(stats.namespaces().user?.hitRate).toBe(0)
    expect(stats.total()).toMatchObject({ memoryHits: 5, misses: 5, bypasses: 10, hitRate: 0.5 })
  })

  it('has one definition of the hit rate', () => {
    expect(hitRate({ memoryHits: 0, kvHits: 0, misses: 0, stale: 0 })).toBe(null)
    expect(hitRate({ memoryHits: 1, kvHits: 1, misses: 1, stale: 1 })).toBe(0.5)
  })
})
