import { describe, expect, it } from 'vitest'
import {
  ago,
  atMost,
  bytes,
  count,
  counted,
  dollars,
  duration,
  moment,
  NONE,
  percent,
  pretty,
  setShare,
  title,
  words,
} from './format.ts'

describe('figures for people', () => {
  it.each([
    [null, NONE],
    [0, '0 %'],
    [1, '100 %'],
    [0.998, '100 %'],
    [0.1921, '20 %'],
    [0.05, '5 %'],
    [0.0767, '7.7 %'],
    [0.00099975, '0.1 %'],
    [0.000_299_5, '0.03 %'],
    [0.000_030_1, '0.0031 %'],
  ])('an upper limit of %s is %s', (value, text) => expect(atMost(value)).toBe(text))

  it.each([
    [null, NONE],
    [undefined, NONE],
    [Number.NaN, NONE],
    [0, '0'],
    [1234.4, '1,234'],
    [99_999, '99,999'],
    [1_234_567, '1.23M'],
    [-900, '−900'],
  ])('count(%s) is %s', (value, text) => expect(count(value)).toBe(text))

  it.each([
    [null, NONE],
    [0, '0 %'],
    [0.5, '50.0 %'],
    [0.98765, '98.7 %'],
    [0.99999, '99.9 %'],
    [1, '100 %'],
  ])('percent(%s) is %s: never 100 %% before it is', (value, text) => expect(percent(value)).toBe(text))

  it.each([
    [null, NONE],
    [0, '0 ms'],
    [0.42, '0.4 ms'],
    [12.3, '12 ms'],
    [1234, '1.2 s'],
    [45_000, '45 s'],
    [60_000, '1 min'],
    [61_000, '61 s'],
    [180_000, '3 min'],
    [3_600_000, '1 h'],
    [3_660_000, '61 min'],
    [3 * 3_600_000, '3 h'],
    [72 * 3_600_000, '3 days'],
  ])('duration(%s) is %s', (value, text) => expect(duration(value)).toBe(text))

  it.each([
    [null, NONE],
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KB'],
    [200 * 1024, '200 KB'],
    [50 * 1024 * 1024, '50 MB'],
    [2 ** 60, '1048576 TB'],
  ])('bytes(%s) is %s', (value, text) => expect(bytes(value)).toBe(text))

  it.each([
    [null, NONE],
    [0, '$0.00'],
    [0.00184, '$0.0018'],
    [-0.00184, '−$0.0018'],
    [0.0000097, '≈ $0'],
    [-0.0000097, '≈ $0'],
    [1.5, '$1.50'],
    [-2, '−$2.00'],
    [12_345.6, '$12,346'],
  ])('dollars(%s) is %s', (value, text) => expect(dollars(value)).toBe(text))
})

it('says the day only when it is another one', () => {
  const now = new Date('2026-08-01T12:00:00Z')
  expect(moment(new Date('2026-08-01T11:59:58Z'), now)).toBe('11:59:58')
  expect(moment(new Date('2026-07-31T23:00:00Z'), now)).toBe('2026-07-31 23:00:00')
  expect(ago(new Date('2026-08-01T11:59:58Z'), now)).toBe('2 s ago')
  // Clocks of isolates and of D1 differ: nothing is in the future.
  expect(ago(new Date('2026-08-01T12:00:01Z'), now)).toBe('just now')
})

it('lays JSON out, also where it comes as text, and leaves other text alone', () => {
  expect(pretty({ a: 1 })).toBe('{\n  "a": 1\n}')
  expect(pretty('{"a":1}')).toBe('{\n  "a": 1\n}')
  expect(pretty('{"cut of')).toBe('{"cut of')
  expect(pretty(undefined)).toBe(NONE)
})

it('turns names of fields into words', () => {
  expect(['oldestUnprocessedSeconds', 'd1', 'content.update', 'stale-if_error'].map(words)).toEqual([
    'oldest unprocessed seconds',
    'd1',
    'content update',
    'stale if error',
  ])
})

it('shows settings as they are', () => {
  expect([0.95, 0.001, 0.00005, 1, 0].map(setShare)).toEqual(['95 %', '0.1 %', '0.005 %', '100 %', '0 %'])
})

it('counts in words and titles', () => {
  expect([0, 1, 2].map((n) => counted(n, 'dead letter'))).toEqual([
    '0 dead letters',
    '1 dead letter',
    '2 dead letters',
  ])
  expect(['d1', 'kv', 'fenceLag', ''].map(title)).toEqual(['D1', 'KV', 'Fence lag', ''])
})
