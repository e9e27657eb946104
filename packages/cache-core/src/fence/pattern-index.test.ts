import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { naiveMatch, smallName, smallPattern } from '../../test/arbitraries.ts'
import { fold, PatternIndex } from './pattern-index.ts'

type Added = [pattern: string, seq: number]

const seq = fc.integer({ min: 1, max: 30 })
const added: fc.Arbitrary<Added[]> = fc.array(fc.tuple(smallPattern, seq), { maxLength: 30 })

function indexOf(patterns: readonly Added[]): PatternIndex {
  const index = new PatternIndex()
  for (const [pattern, at] of patterns) index.add(pattern, at)
  return index
}

const naiveNewest = (patterns: readonly Added[], name: string) =>
  Math.max(0, ...patterns.filter(([pattern]) => naiveMatch(pattern, name)).map(([, at]) => at))

describe('PatternIndex', () => {
  it('knows for any name the highest seq whose pattern matches it', () => {
    fc.assert(
      fc.property(added, smallName, (patterns, name) => {
        expect(indexOf(patterns).newest(name)).toBe(naiveNewest(patterns, name))
      }),
      { numRuns: 3000 },
    )
  })

  it('knows whether anything newer than a stamp matches', () => {
    fc.assert(
      fc.property(added, smallName, fc.nat(31), (patterns, name, stamp) => {
        expect(indexOf(patterns).hasNewer(name, stamp)).toBe(naiveNewest(patterns, name) > stamp)
      }),
      { numRuns: 3000 },
    )
  })

  it('lists each pattern once, with its highest seq, and counts them', () => {
    fc.assert(
      fc.property(added, (patterns) => {
        const highest = new Map<string, number>()
        for (const [pattern, at] of patterns) highest.set(pattern, Math.max(at, highest.get(pattern) ?? 0))
        const index = indexOf(patterns)
        const byPattern = ([a]: Added, [b]: Added) => (a < b ? -1 : 1)
        expect([...index.entries()].sort(byPattern)).toEqual([...highest].sort(byPattern))
        expect(index.size).toBe(highest.size)
      }),
    )
  })

  it('answers for a hostile name among hostile patterns', () => {
    const index = indexOf(Array.from({ length: 40 }, (_, i): Added => [`${'*:'.repeat(i + 1)}end`, i + 1]))
    expect(index.newest(`${'a:'.repeat(20_000)}a`)).toBe(0)
    expect(index.newest(`${'a:'.repeat(40)}end`)).toBe(40)
  })
})

describe('fold', () => {
  it('makes the index smaller', () => {
    fc.assert(
      fc.property(added, fc.integer({ min: 1, max: 8 }), (patterns, cap) => {
        const index = indexOf(patterns)
        fc.pre(index.size > cap)
        expect(fold(index, cap).index.size).toBeLessThan(index.size)
      }),
    )
  })

  it('lets nothing that was invalid become valid: for no name, for no stamp', () => {
    fc.assert(
      fc.property(
        added,
        fc.integer({ min: 1, max: 8 }),
        smallName,
        fc.nat(31),
        (patterns, cap, name, stamp) => {
          const index = indexOf(patterns)
          fc.pre(index.size > cap)
          const folded = fold(index, cap)
          const isInvalid = folded.index.hasNewer(name, stamp) || stamp < folded.floor
          if (index.hasNewer(name, stamp)) expect(isInvalid).toBe(true)
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('costs entries stamped after everything that it folds nothing', () => {
    fc.assert(
      fc.property(added, fc.integer({ min: 1, max: 8 }), smallName, (patterns, cap, name) => {
        const index = indexOf(patterns)
        fc.pre(index.size > cap)
        const newest = Math.max(...patterns.map(([, at]) => at))
        const folded = fold(index, cap)
        expect(folded.index.hasNewer(name, newest)).toBe(false)
        expect(folded.floor).toBeLessThanOrEqual(newest)
      }),
    )
  })

  it('broadens the older half where that is enough, and forgets it where not', () => {
    const posts = Array.from({ length: 12 }, (_, i): Added => [`content:post:${i}`, i + 1])
    const broadened = fold(indexOf(posts), 11)
    expect(broadened.floor).toBe(0)
    expect([...broadened.index.entries()]).toContainEqual(['content:post:*', 6])
    const unlike = Array.from({ length: 12 }, (_, i): Added => [`a${i}:b`, i + 1])
    const forgotten = fold(indexOf(unlike), 11)
    expect([forgotten.floor, forgotten.index.size]).toEqual([6, 6])
  })
})
