import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CacheEntry } from '../entry.ts'
import { LruMemoryTier } from './memory-tier.ts'

function entryOf(text = '"x"', overrides: Partial<CacheEntry> = {}): CacheEntry {
  return {
    namespace: 'content',
    path: 'content:post:1',
    canonical: null,
    text,
    found: true,
    label: '',
    tags: [],
    epoch: 'feed',
    stamp: 1,
    upTo: 1,
    loadedAt: 0,
    expiresAt: 1000,
    warmed: false,
    etag: '"e"',
    ...overrides,
  }
}

const LATER = 1e9

function sizeOf(key: string, entry: CacheEntry): number {
  const tier = new LruMemoryTier({ maxBytes: 1e9, maxEntries: 10 })
  tier.set(key, entry, LATER, 0)
  return tier.bytes
}

describe('the memory tier', () => {
  it('gives back what it was given, until that is deleted', () => {
    const tier = new LruMemoryTier({ maxBytes: 1e6, maxEntries: 10 })
    const entry = entryOf()
    expect(tier.set('a', entry, LATER, 0)).toBe(true)
    expect([tier.get('a'), tier.get('b')]).toEqual([entry, undefined])
    tier.delete('a')
    expect([tier.get('a'), tier.entries, tier.bytes]).toEqual([undefined, 0, 0])
  })

  it('keeps no more entries than it may, dropping the least recently used', () => {
    const tier = new LruMemoryTier({ maxBytes: 1e6, maxEntries: 3 })
    for (const key of ['a', 'b', 'c']) tier.set(key, entryOf(), LATER, 0)
    tier.get('a')
    tier.set('d', entryOf(), LATER, 0)
    expect([...tier.list()].map(([key]) => key)).toEqual(['d', 'a', 'c'])
    expect([tier.entries, tier.evictions]).toEqual([3, 1])
  })

  it('lets "not found" have a tenth of the entries, so that made-up ids push out nothing that is read', () => {
    const tier = new LruMemoryTier({ maxBytes: 1e6, maxEntries: 20 })
    for (let i = 0; i < 18; i++) tier.set(`found ${i}`, entryOf(), LATER, 0)
    for (let i = 0; i < 100; i++) tier.set(`absent ${i}`, entryOf('null', { found: false }), LATER, 0)
    expect(tier.get('found 0')).toBeDefined()
    expect([...tier.list()].filter(([key]) => key.startsWith('absent')).map(([key]) => key)).toEqual([
      'absent 99',
      'absent 98',
    ])
    tier.set('absent 99', entryOf(), LATER, 0)
    for (let i = 0; i < 2; i++) tier.set(`more ${i}`, entryOf('null', { found: false }), LATER, 0)
    expect(tier.get('absent 99')).toBeDefined()
  })

  it('keeps no more bytes than it may', () => {
    const each = sizeOf('k00', entryOf('x'.repeat(1000)))
    const tier = new LruMemoryTier({ maxBytes: each * 25, maxEntries: 1000 })
    for (let i = 10; i < 60; i++) tier.set(`k${i}`, entryOf('x'.repeat(1000)), LATER, 0)
    expect([tier.entries, tier.bytes, tier.evictions]).toEqual([25, each * 25, 25])
  })

  it('refuses an entry over a twentieth of its room, and then has no older value of that key either', () => {
    const tier = new LruMemoryTier({ maxBytes: 100_000, maxEntries: 1000 })
    tier.set('a', entryOf(), LATER, 0)
    expect(tier.set('a', entryOf('x'.repeat(5000)), LATER, 0)).toBe(false)
    expect([tier.get('a'), tier.entries, tier.evictions]).toEqual([undefined, 0, 0])
    expect(tier.set('a', entryOf('x'.repeat(4000)), LATER, 0)).toBe(true)
  })

  it('counts a text as V8 keeps it: two bytes a character from the first over U+00FF on', () => {
    const latin = sizeOf('a', entryOf('ÿ'.repeat(1000)))
    expect(latin).toBe(sizeOf('a', entryOf('x'.repeat(1000))))
    expect(sizeOf('abc', entryOf('x'))).toBe(sizeOf('a', entryOf('x')) + 2)
    expect(sizeOf('a', entryOf('x', { path: 'ab' })) - sizeOf('a', entryOf('x', { path: 'a' }))).toBe(1)
    expect(sizeOf('a', entryOf(`ÿĀ${'ÿ'.repeat(998)}`)) - latin).toBe(1000)
    expect(sizeOf('a', entryOf('x', { tags: ['user:7'] }))).toBeGreaterThan(sizeOf('a', entryOf('x')))
    expect(sizeOf('a', entryOf('x', { canonical: 'q=1' })) - sizeOf('a', entryOf('x'))).toBe(3)
  })

  it('drops what is past use when something else comes in, at most two at a time, and counts no eviction', () => {
    const tier = new LruMemoryTier({ maxBytes: 1e6, maxEntries: 100 })
    for (let i = 0; i < 20; i++) tier.set(`old${i}`, entryOf(), 1000, 0)
    tier.set('fresh', entryOf(), LATER, 0)
    for (let i = 0; i < 20; i++) {
      const before = tier.entries
      tier.set('fresh', entryOf(), LATER, 2000)
      expect(before - tier.entries).toBeLessThanOrEqual(2)
    }
    expect([tier.entries, tier.evictions]).toEqual([1, 0])
  })

  it('drops nothing that is still of use: past its life, a value may yet stand in for a failing D1', () => {
    const tier = new LruMemoryTier({ maxBytes: 1e6, maxEntries: 100 })
    tier.set('a', entryOf('"x"', { expiresAt: 1000 }), 5000, 0)
    for (let i = 0; i < 20; i++) tier.set(`b${i % 2}`, entryOf(), LATER, 4999)
    expect(tier.get('a')).toBeDefined()
    for (let i = 0; i < 20; i++) tier.set(`b${i % 2}`, entryOf(), LATER, 5000)
    expect(tier.get('a')).toBe(undefined)
  })

  it('is empty after a clear, and works on', () => {
    const tier = new LruMemoryTier({ maxBytes: 1e6, maxEntries: 100 })
    for (let i = 0; i < 20; i++) tier.set(`a${i}`, entryOf(), 1000, 0)
    tier.clear()
    expect([tier.entries, tier.bytes, [...tier.list()]]).toEqual([0, 0, []])
    for (let i = 0; i < 20; i++) tier.set(`a${i}`, entryOf(), LATER, 2000)
    expect(tier.entries).toBe(20)
  })

  it('keeps true accounts, whatever happens', () => {
    const step = fc.record({
      what: fc.constantFrom(
        'set',
        'set',
        'set',
        'set',
        'set',
        'set',
        'get',
        'get',
        'delete',
        'expire',
        'clear',
      ),
      key: fc.integer({ min: 0, max: 50 }).map((n) => `k${n}`),
      length: fc.nat(600),
      life: fc.nat(200),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const maxBytes = 20_000
        const tier = new LruMemoryTier({ maxBytes, maxEntries: 25 })
        let now = 0
        for (const { what, key, length, life } of steps) {
          now++
          if (what === 'set') {
            const entry = entryOf('x'.repeat(length))
            const isKept = tier.set(key, entry, now + life, now)
            expect(isKept).toBe(sizeOf(key, entry) <= maxBytes * 0.05)
            expect(tier.get(key)).toBe(isKept ? entry : undefined)
          } else if (what === 'get') tier.get(key)
          else if (what === 'delete') tier.delete(key)
          else if (what === 'clear' && life < 20) tier.clear()
          else if (what === 'expire') now += life
          const listed = [...tier.list()]
          const size = listed.reduce((sum, [text, entry]) => sum + sizeOf(text, entry), 0)
          expect([tier.bytes, tier.entries]).toEqual([size, listed.length])
          expect(tier.bytes).toBeLessThanOrEqual(maxBytes)
          expect(tier.entries).toBeLessThanOrEqual(25)
        }
      }),
      { numRuns: 60 },
    )
  }, 120_000)
})
