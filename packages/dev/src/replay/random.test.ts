import { describe, expect, it } from 'vitest'
import { seededRandom } from './random.ts'

describe('seededRandom', () => {
  const take = (seed: number, count: number) => Array.from({ length: count }, seededRandom(seed))

  it('repeats itself for a seed, and only for that', () => {
    expect(take(7, 100)).toEqual(take(7, 100))
    expect(take(7, 100)).not.toEqual(take(8, 100))
  })

  it('is spread evenly over [0, 1)', () => {
    const values = take(1, 20_000)
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...values)).toBeLessThan(1)
    for (let tenth = 0; tenth < 10; tenth += 1) {
      const share = values.filter((value) => Math.floor(value * 10) === tenth).length / values.length
      expect(share).toBeCloseTo(0.1, 1)
    }
  })
})
