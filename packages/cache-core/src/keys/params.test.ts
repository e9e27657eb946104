import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wellFormedText } from '../../test/arbitraries.ts'
import { canonicalParams, paramsSegment } from './params.ts'

const params = fc.dictionary(wellFormedText, wellFormedText, { maxKeys: 5 })

describe('canonicalParams', () => {
  it.each([
    [{}, ''],
    [{ limit: 10, offset: 0 }, 'limit=10&offset=0'],
    [{ offset: 0, limit: 10 }, 'limit=10&offset=0'],
    [{ b: true, a: undefined, c: '' }, 'b=true&c='],
    [{ q: 'a&b=c*d e:%' }, 'q=a%26b%3Dc%2Ad%20e%3A%25'],
    [{ B: 1, a: 2 }, 'B=1&a=2'],
    [{ q: 'half\ud800' }, 'q=half%EF%BF%BD'],
  ])('of %j is %j', (input, text) => {
    expect(canonicalParams(input)).toBe(text)
  })

  it('does not depend on the order of the parameters', () => {
    fc.assert(
      fc.property(
        params.chain((input) =>
          fc.tuple(
            fc.constant(input),
            fc.shuffledSubarray(Object.entries(input), { minLength: Object.keys(input).length }),
          ),
        ),
        ([input, shuffled]) => {
          expect(canonicalParams(Object.fromEntries(shuffled))).toBe(canonicalParams(input))
        },
      ),
    )
  })

  it('is injective: other parameters, another text', () => {
    const sorted = (input: Record<string, string>) =>
      JSON.stringify(Object.entries(input).sort(([a], [b]) => (a < b ? -1 : 1)))
    fc.assert(
      fc.property(params, params, (a, b) => {
        expect(canonicalParams(a) === canonicalParams(b)).toBe(sorted(a) === sorted(b))
      }),
      {
        examples: [
          [{ a: '1&b=2' }, { a: '1', b: '2' }],
          [{ 'a=1': '' }, { a: '1=' }],
          [{}, { '': '' }],
        ],
      },
    )
  })
})

describe('paramsSegment', () => {
  const long = (last: string) => ({ q: `${'x'.repeat(120)}${last}` })

  it('is the canonical text itself while that is short', () => {
    expect(paramsSegment({ limit: 10 })).toEqual({ segment: 'limit=10', canonical: null })
    expect(paramsSegment({ q: 'x'.repeat(94) }).canonical).toBe(null)
  })

  it('is 128 bits of hash when that is long, beside the text that a hit compares', () => {
    const { segment, canonical } = paramsSegment(long('a'))
    expect(segment).toMatch(/^~[0-9a-f]{32}$/)
    expect(canonical).toBe(`q=${'x'.repeat(120)}a`)
  })

  it('keeps apart the long ones whose 31-bit hashes are equal', () => {
    expect(paramsSegment(long('Aa')).segment).not.toBe(paramsSegment(long('BB')).segment)
  })

  it('never lets a short text look like a hash', () => {
    fc.assert(
      fc.property(params, (input) => {
        const { segment, canonical } = paramsSegment(input)
        expect(segment.startsWith('~') && !segment.includes('=')).toBe(canonical !== null)
      }),
    )
  })
})
