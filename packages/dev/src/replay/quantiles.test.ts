import { describe, expect, it } from 'vitest'
import { latencyOf } from './quantiles.ts'

describe('latencyOf', () => {
  it('takes the nearest rank, whatever the order', () => {
    const samples = Array.from({ length: 100 }, (_, i) => 100 - i)
    expect(latencyOf(samples)).toEqual({ count: 100, p50: 50, p95: 95, p99: 99 })
  })

  it('is the sample itself for one, and null for none', () => {
    expect(latencyOf([3])).toEqual({ count: 1, p50: 3, p95: 3, p99: 3 })
    expect(latencyOf([])).toBeNull()
  })
})
