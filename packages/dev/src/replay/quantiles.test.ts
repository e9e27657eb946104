import { describe, expect, it } from 'vitest'
import { latencyOf, shareUnder } from './quantiles.ts'

describe('latencyOf', () => {
  it('takes the nearest rank, whatever the order', () => {
    const samples = Array.from({ length: 100 }, (_, i) => 100 - i)
    expect(latencyOf(samples)).toEqual({ count: 100, mean: 50.5, p50: 50, p95: 95, p99: 99 })
  })

  it('is the sample itself for one, and null for none', () => {
    expect(latencyOf([3])).toEqual({ count: 1, mean: 3, p50: 3, p95: 3, p99: 3 })
    expect(latencyOf([])).toBeNull()
  })
})

describe('shareUnder', () => {
  it('counts what is less, not what is equal', () => {
    expect(shareUnder([1, 2, 3, 4], 3)).toBe(0.5)
    expect(shareUnder([], 3)).toBeNull()
  })
})
