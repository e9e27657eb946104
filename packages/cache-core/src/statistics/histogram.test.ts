import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BUCKETS,
  bucketOf,
  count,
  highestOf,
  lowestOf,
  mergeInto,
  newHistogram,
  quantile,
  RELATIVE_ERROR,
  sizeOf,
} from './histogram.ts'

const LARGEST = lowestOf(BUCKETS) - 1
const ms = fc.oneof(fc.nat(40), fc.nat(5_000), fc.nat(LARGEST))
const times = fc.array(ms, { maxLength: 50 })

function of(counted: readonly number[]) {
  const histogram = newHistogram()
  for (const time of counted) count(histogram, time)
  return histogram
}

function merged(...parts: readonly Float64Array[]) {
  const all = newHistogram()
  for (const part of parts) mergeInto(all, part)
  return all
}

describe('buckets', () => {
  it('follow each other without a gap, and each holds what it says', () => {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      expect(bucketOf(lowestOf(bucket))).toBe(bucket)
      expect(bucketOf(highestOf(bucket))).toBe(bucket)
      expect(bucketOf(highestOf(bucket) + 0.9)).toBe(bucket)
      expect(lowestOf(bucket + 1)).toBe(highestOf(bucket) + 1)
    }
  })

  it('take what is too short or too long for the first and the last', () => {
    expect([-5, Number.NaN, 0.5, 1].map(bucketOf)).toEqual([0, 0, 0, 1])
    expect([LARGEST, LARGEST + 1, 2 ** 40, Number.POSITIVE_INFINITY].map(bucketOf)).toEqual(
      Array(4).fill(BUCKETS - 1),
    )
    expect(LARGEST).toBeGreaterThan(3_600_000)
  })
})

describe('histograms', () => {
  it('have no quantile before something is counted', () => {
    expect(quantile(newHistogram(), 0.5)).toBe(null)
  })

  it('merge in any order and grouping, to what counting all at once gives', () => {
    fc.assert(
      fc.property(times, times, times, (a, b, c) => {
        const whole = of([...a, ...b, ...c])
        expect(merged(of(a), merged(of(b), of(c)))).toEqual(whole)
        expect(merged(merged(of(c), of(a)), of(b))).toEqual(whole)
        expect(sizeOf(whole)).toBe(a.length + b.length + c.length)
      }),
    )
  })

  it('give quantiles within the stated share of the true ones, merged or not', () => {
    fc.assert(
      fc.property(
        fc.array(ms, { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(200),
        (all, share, cut) => {
          const sorted = all.toSorted((a, b) => a - b)
          const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] ?? Number.NaN
          const near = quantile(merged(of(all.slice(0, cut)), of(all.slice(cut))), share) ?? Number.NaN
          expect(Math.abs(near - exact)).toBeLessThanOrEqual(exact * RELATIVE_ERROR)
        },
      ),
    )
  })
})
