import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Folded } from './folded.ts'

const places = fc.constantFrom(1, 4, 64, 1024)
const added = fc.array(fc.tuple(fc.string(), fc.integer({ min: 1, max: 99 })), { maxLength: 30 })

function foldedOf(names: readonly (readonly [string, number])[], shared?: number): Folded {
  const folded = new Folded(shared)
  for (const [name, seq] of names) folded.add(name, seq)
  return folded
}

describe('folded names', () => {
  it('are known by no lower seq than their own, and by none that nobody has', () => {
    fc.assert(
      fc.property(added, places, fc.string(), (names, shared, other) => {
        const folded = foldedOf(names, shared)
        for (const [name, seq] of names) expect(folded.newest(name)).toBeGreaterThanOrEqual(seq)
        expect([0, ...names.map(([, seq]) => seq)]).toContain(folded.newest(other))
        expect(folded.highest).toBe(Math.max(0, ...names.map(([, seq]) => seq)))
      }),
    )
  })

  it('come to the same in any order', () => {
    fc.assert(
      fc.property(added, places, (names, shared) => {
        const backwards = foldedOf(names.toReversed(), shared)
        expect(foldedOf(names, shared).pack(99, 0)).toEqual(backwards.pack(99, 0))
      }),
    )
  })

  it('share few of the places that there are by default', () => {
    const folded = foldedOf(Array.from({ length: 20_000 }, (_, i) => [`content:item:${i}`, i + 1] as const))
    const strangers = Array.from({ length: 20_000 }, (_, i) => folded.newest(`content:item:${20_000 + i}`))
    // 20,000 of 262,144 places: one stranger in thirteen.
    expect(strangers.filter((seq) => seq > 0).length / 20_000).toBeCloseTo(0.074, 2)
  })

  it('are taken in from a table of any size, and lose nothing by it above its floor', () => {
    fc.assert(
      fc.property(added, added, places, places, fc.nat(20), (names, others, own, theirs, floor) => {
        const folded = foldedOf(names, own)
        folded.merge(foldedOf(others, theirs).pack(120, floor), 120)
        const left = others.filter(([, seq]) => seq > floor)
        const both = foldedOf([...names, ...left], Math.min(own, theirs))
        for (const [name, seq] of [...names, ...left]) {
          expect(folded.newest(name)).toBeGreaterThanOrEqual(seq)
          expect(folded.newest(name)).toBeLessThanOrEqual(both.newest(name))
        }
        expect(folded.highest).toBe(both.highest)
      }),
    )
  })

  it.each([0, 3, 1.5, -4, 2 ** 31])('do not share %d places', (count) => {
    expect(() => new Folded(count)).toThrow(RangeError)
  })
})
