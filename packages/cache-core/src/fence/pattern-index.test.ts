import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { naiveMatch, smallName, smallPattern } from '../../test/arbitraries.ts'
import { PatternIndex } from './pattern-index.ts'

type Added = [pattern: string, seq: number]

const seq = fc.integer({ min: 1, max: 30 })
const added: fc.Arbitrary<Added[]> = fc.array(fc.tuple(smallPattern, seq), { maxLength: 30 })

function indexOf(patterns: readonly Added[], places?: number): PatternIndex {
  const index = new PatternIndex(places)
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
  const cap = fc.integer({ min: 1, max: 8 })
  const places = fc.constantFrom(1, 4, 1024)
  const overfull = (patterns: readonly Added[], most: number, shared: number) => {
    const index = indexOf(patterns, shared)
    fc.pre(index.size > most)
    return index
  }

  it('makes the index smaller', () => {
    fc.assert(
      fc.property(added, cap, (patterns, most) => {
        const index = overfull(patterns, most, 4)
        const before = index.size
        index.fold(most)
        expect(index.size).toBeLessThan(before)
        expect(index.size).toBe([...index.entries()].length)
      }),
    )
  })

  it('lets nothing that was invalid become valid: for no name, for no stamp', () => {
    fc.assert(
      fc.property(added, cap, places, smallName, fc.nat(31), (patterns, most, shared, name, stamp) => {
        const index = overfull(patterns, most, shared)
        const floor = index.fold(most)
        const isInvalid = index.hasNewer(name, stamp) || stamp < floor
        if (naiveNewest(patterns, name) > stamp) expect(isInvalid).toBe(true)
        expect(index.hasNewer(name, stamp)).toBe(index.newest(name) > stamp)
      }),
      { numRuns: 3000 },
    )
  })

  it('costs entries stamped after everything that it folds nothing', () => {
    fc.assert(
      fc.property(added, cap, places, smallName, (patterns, most, shared, name) => {
        const index = overfull(patterns, most, shared)
        const newest = Math.max(...patterns.map(([, at]) => at))
        const floor = index.fold(most)
        expect(index.hasNewer(name, newest)).toBe(false)
        expect(floor).toBeLessThanOrEqual(newest)
      }),
    )
  })

  it('costs a name nothing whose place no folded one has', () => {
    const index = indexOf(Array.from({ length: 12 }, (_, i): Added => [`content:post:${i}`, i + 1]))
    const entries = new Map(index.entries())
    expect(index.fold(11)).toBe(0)
    expect([index.size, index.pack(12, 0)?.steps.length]).toEqual([6, 12])
    for (const [name, at] of entries) expect(index.newest(name)).toBe(at)
    for (let i = 12; i < 100; i++) expect(index.newest(`content:post:${i}`)).toBe(0)
  })

  it('broadens the older half of what has wildcards where that is enough, and forgets it where not', () => {
    const lists = Array.from({ length: 12 }, (_, i): Added => [`content:list:${i}:*`, i + 1])
    const broadened = indexOf(lists)
    expect(broadened.fold(11)).toBe(0)
    expect([...broadened.entries()]).toContainEqual(['content:list:*', 6])
    const unlike = Array.from({ length: 12 }, (_, i): Added => [`a${i}:b:*`, i + 1])
    const forgotten = indexOf(unlike)
    expect([forgotten.fold(11), forgotten.size]).toEqual([6, 6])
    expect([forgotten.newest('a0:b:c'), forgotten.newest('a11:b:c')]).toEqual([0, 12])
  })

  it('leaves what has wildcards alone where names are what is too many', () => {
    const names = Array.from({ length: 12 }, (_, i): Added => [`content:post:${i}`, i + 2])
    const index = indexOf([...names, ['content:list:a:*', 1]])
    expect(index.fold(12)).toBe(0)
    expect([...index.entries()]).toContainEqual(['content:list:a:*', 1])
    // However many they are: as a snapshot finds them, or a page of bulk writes brings them.
    const lists = Array.from({ length: 40 }, (_, i): Added => [`content:list:${i}:*`, 99_900 + i])
    const many = Array.from({ length: 16_000 }, (_, i): Added => [`content:post:${i}`, i + 1])
    const flooded = indexOf([...many, ...lists])
    expect(flooded.fold(10_000)).toBe(0)
    expect(flooded.size).toBe(7_500)
    for (const [pattern, at] of lists) expect([...flooded.entries()]).toContainEqual([pattern, at])
  })
})
