import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { retryDelaySeconds } from './retry.ts'

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('the delay before another attempt', () => {
  it('is whole seconds, from one second to ten minutes, whatever the attempt', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), random, (attempts, chance) => {
        const delay = retryDelaySeconds(attempts, chance)
        expect(Number.isInteger(delay)).toBe(true)
        expect(delay).toBeGreaterThanOrEqual(1)
        expect(delay).toBeLessThanOrEqual(600)
      }),
    )
  })

  it('spreads over a span that doubles: 4 s, 8 s, 16 s …', () => {
    const spans = [1, 2, 3, 4, 5, 8, 9, 50].map((attempts) => retryDelaySeconds(attempts, 1 - 2 ** -53))
    expect(spans).toEqual([4, 8, 16, 32, 64, 512, 600, 600])
    expect(retryDelaySeconds(5, 0)).toBe(1)
    expect(retryDelaySeconds(5, 0.5)).toBe(32)
  })
})
