import { describe, expect, it } from 'vitest'
import { judge, upperLimit } from './judge.ts'

describe('a difference between what was served and what D1 has', () => {
  const read = { head: 10, startedAt: 100_000, maxStalenessMs: 5_000 }

  it.each([
    ['that no row tells of', null, 'no row'],
    ['whose row the fence had', { seq: 10, createdAt: 99_999 }, 'known row'],
    ['whose row is much older than Δ', { seq: 11, createdAt: 82_999 }, 'old row'],
    ['whose row may have waited for its commit', { seq: 11, createdAt: 83_000 }, null],
    ['whose row is newer than the read', { seq: 11, createdAt: 100_001 }, null],
  ] as const)('%s', (_which, row, cause) => {
    expect(judge({ ...read, row })).toBe(cause)
  })
})

describe('the upper limit of a share', () => {
  it('is the rule of three where nothing was seen', () => {
    expect(upperLimit(0, 100)).toBeCloseTo(0.0295, 4)
    expect((upperLimit(0, 1_000_000) ?? 0) * 1_000_000).toBeCloseTo(2.996, 2)
  })

  it.each([
    // Of tables of the binomial distribution, one-sided at 95 %.
    [1, 10, 0.3942],
    [5, 100, 0.1023],
    [50, 100, 0.5863],
    [99, 100, 0.9995],
  ])('is exact: %d of %d', (seen, all, limit) => {
    expect(upperLimit(seen, all)).toBeCloseTo(limit, 3)
  })

  it('is that of a normal distribution where much was seen, and no number is too large or too small for it', () => {
    const seen = 20_000
    const all = 1_000_000
    const share = seen / all
    expect(upperLimit(seen, all)).toBeCloseTo(share + 1.645 * Math.sqrt((share * (1 - share)) / all), 5)
  })

  it('is nothing before the first look, and all where all was seen', () => {
    expect([upperLimit(0, 0), upperLimit(3, 3)]).toEqual([null, 1])
  })

  it('rises with confidence', () => {
    expect(upperLimit(2, 100, 0.99)).toBeGreaterThan(upperLimit(2, 100) ?? 1)
  })
})
