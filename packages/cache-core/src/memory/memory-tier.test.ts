import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { problemsOf } from '../../test/memory-invariants.ts'
import { type CacheEntry, withSize } from '../entry.ts'
import { MemoryTier } from './memory-tier.ts'

function entryOf(text = '"x"', overrides: Partial<CacheEntry> = {}): CacheEntry {
  return withSize({
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
  })
}

const absent = () => entryOf('null', { found: false })

/** All tiers of a test: each is checked after it. */
const tiers: MemoryTier[] = []

afterEach(() => {
  for (const tier of tiers.splice(0)) expect(problemsOf(tier)).toEqual([])
})

function tierOf(limits: { maxBytes?: number; maxEntries?: number; evicted?: (namespace: string) => void }) {
  const tier = new MemoryTier({ maxBytes: 1e6, maxEntries: 100, ...limits })
  tiers.push(tier)
  return tier
}

const keysOf = (tier: MemoryTier) => [...tier.list()].map(([key]) => key).sort()

const LATER = 1e9

function sizeOf(key: string, entry: CacheEntry): number {
  const tier = tierOf({ maxBytes: 1e9 })
  tier.set(key, entry, LATER, 0)
  return tier.bytes
}

describe('the memory tier', () => {
  it('gives back what it was given, until that is deleted', () => {
    const tier = tierOf({ maxBytes: 1e6, maxEntries: 10 })
    const entry = entryOf()
    expect(tier.set('a', entry, LATER, 0)).toBe(true)
    expect([tier.get('a')?.entry, tier.get('b')]).toEqual([entry, undefined])
    tier.delete('a')
    expect([tier.get('a'), tier.entries, tier.bytes]).toEqual([undefined, 0, 0])
  })

  it('keeps no more entries than it may, dropping what came first of those that nobody has read again', () => {
    const evicted: string[] = []
    const tier = tierOf({ maxEntries: 3, evicted: (namespace) => evicted.push(namespace) })
    const first = entryOf('"b"')
    for (const key of ['a', 'b', 'c']) tier.set(key, key === 'b' ? first : entryOf(), LATER, 0)
    tier.get('a')
    tier.set('d', entryOf(), LATER, 0)
    expect([keysOf(tier), tier.entries, tier.evictions]).toEqual([['a', 'c', 'd'], 3, 1])
    expect(evicted).toEqual([first.namespace])
  })

  it('keeps what is read through one pass over any number of keys', () => {
    const tier = tierOf({ maxEntries: 100 })
    for (let i = 0; i < 80; i++) tier.set(`read ${i}`, entryOf(), LATER, 0)
    for (let i = 0; i < 80; i++) tier.get(`read ${i}`)
    for (let i = 0; i < 10_000; i++) tier.set(`once ${i}`, entryOf(), LATER, 0)
    expect(keysOf(tier).filter((key) => key.startsWith('read'))).toHaveLength(80)
  })

  it('knows what comes back soon after it was dropped', () => {
    const tier = tierOf({ maxEntries: 100 })
    const fill = (name: string, count: number) => {
      for (let i = 0; i < count; i++) tier.set(`${name} ${i}`, entryOf(), LATER, 0)
    }
    fill('old', 80)
    for (let i = 0; i < 80; i++) tier.get(`old ${i}`)
    fill('new', 60)
    expect(tier.find('new 0')).toBe(undefined)
    tier.set('new 0', entryOf(), LATER, 0)
    expect(tier.find('new 0')?.queue).toBe(tier.queues.main)
    fill('other', 60)
    expect(tier.find('new 0')).toBeDefined()
  })

  it('lets no key stay for what it once was read', () => {
    const tier = tierOf({ maxEntries: 20 })
    tier.set('once hot', entryOf(), LATER, 0)
    for (let i = 0; i < 1000; i++) tier.get('once hot')
    for (let i = 0; i < 400; i++) {
      tier.set(`k${i}`, entryOf(), LATER, 0)
      tier.get(`k${i}`)
    }
    expect(tier.find('once hot')).toBe(undefined)
  })

  it('gives up a large entry before small ones that are read as much, where bytes are short', () => {
    const tier = tierOf({ maxBytes: 200_000, maxEntries: 10_000 })
    for (let i = 0; i < 30; i++) {
      tier.set(`large ${i}`, entryOf('x'.repeat(8000)), LATER, 0)
      tier.get(`large ${i}`)
      for (let j = 0; j < 10; j++) {
        tier.set(`small ${i} ${j}`, entryOf('x'.repeat(100)), LATER, 0)
        tier.get(`small ${i} ${j}`)
      }
    }
    const kept = keysOf(tier)
    const shareOf = (name: string, of: number) => kept.filter((key) => key.startsWith(name)).length / of
    expect(shareOf('small', 300)).toBeGreaterThan(4 * shareOf('large', 30))
  })

  it('does not look at sizes where only the number of entries is short', () => {
    const tier = tierOf({ maxBytes: 1e9, maxEntries: 100 })
    for (let i = 0; i < 50; i++) {
      for (const size of [10, 100_000]) tier.set(`${size} ${i}`, entryOf('x'.repeat(size)), LATER, 0)
      for (const size of [10, 100_000]) tier.get(`${size} ${i}`)
    }
    for (let i = 0; i < 500; i++) tier.set(`once ${i}`, entryOf(), LATER, 0)
    const kept = keysOf(tier)
    const count = (name: string) => kept.filter((key) => key.startsWith(name)).length
    expect(Math.abs(count('10 ') - count('100000 '))).toBeLessThanOrEqual(1)
    expect(count('10 ')).toBeGreaterThan(30)
  })

  it('counts reads for popularity, from one time it is asked to the next', () => {
    const recipe = { resource: 'post', params: { id: '1' } }
    const tier = tierOf({ maxEntries: 3 })
    tier.set('a', entryOf(), LATER, 0, recipe)
    tier.set('b', absent(), LATER, 0, recipe)
    tier.set('c', entryOf(), LATER, 0)
    for (const key of ['a', 'a', 'b', 'c']) tier.get(key)
    expect(tier.inspect('a')?.reads).toBe(3)
    expect(tier.takeReads()).toEqual([{ recipe, namespace: 'content', reads: 3 }])
    tier.get('a')
    // What popularity has taken, eviction still knows.
    for (const key of ['d', 'e', 'f']) tier.set(key, entryOf(), LATER, 0)
    tier.set('a', entryOf('"y"'), LATER, 0, recipe)
    expect(tier.takeReads()).toEqual([{ recipe, namespace: 'content', reads: 2 }])
    expect(tier.takeReads()).toEqual([])
  })

  it('lets "not found" have a tenth of the entries, so that made-up ids push out nothing that is read', () => {
    const tier = tierOf({ maxEntries: 20 })
    for (let i = 0; i < 18; i++) tier.set(`found ${i}`, entryOf(), LATER, 0)
    for (let i = 0; i < 100; i++) tier.set(`absent ${i}`, absent(), LATER, 0)
    expect(tier.get('found 0')).toBeDefined()
    const kept = () => keysOf(tier).filter((key) => key.startsWith('absent'))
    expect([kept(), tier.evictions]).toEqual([['absent 98', 'absent 99'], 0])
    // It was made meanwhile.
    tier.set('absent 99', entryOf(), LATER, 0)
    for (let i = 0; i < 2; i++) tier.set(`more ${i}`, absent(), LATER, 0)
    expect(tier.get('absent 99')).toBeDefined()
    // It was deleted meanwhile.
    tier.set('found 17', absent(), LATER, 0)
    expect([tier.get('found 17')?.entry.found, tier.queues.absent.entries]).toEqual([false, 2])
  })

  it('keeps "not found" that is asked for again before that which is not', () => {
    const tier = tierOf({ maxEntries: 100 })
    tier.set('asked for', absent(), LATER, 0)
    for (let i = 0; i < 100; i++) {
      tier.get('asked for')
      tier.set(`made up ${i}`, absent(), LATER, 0)
    }
    expect(tier.get('asked for')).toBeDefined()
    for (let i = 0; i < 200; i++) tier.set(`found ${i}`, entryOf(), LATER, 0)
    expect(tier.queues.absent.entries).toBeLessThanOrEqual(1)
  })

  it('keeps no more bytes than it may', () => {
    const each = sizeOf('k00', entryOf('x'.repeat(1000)))
    const tier = tierOf({ maxBytes: each * 25, maxEntries: 1000 })
    for (let i = 10; i < 60; i++) tier.set(`k${i}`, entryOf('x'.repeat(1000)), LATER, 0)
    expect([tier.entries, tier.bytes, tier.evictions]).toEqual([25, each * 25, 25])
  })

  it('refuses an entry over a twentieth of its room, and then has no older value of that key either', () => {
    const tier = tierOf({ maxBytes: 100_000, maxEntries: 1000 })
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
    const tier = tierOf({ maxBytes: 1e6, maxEntries: 100 })
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
    const tier = tierOf({ maxBytes: 1e6, maxEntries: 100 })
    tier.set('a', entryOf('"x"', { expiresAt: 1000 }), 5000, 0)
    for (let i = 0; i < 20; i++) tier.set(`b${i % 2}`, entryOf(), LATER, 4999)
    expect(tier.get('a')).toBeDefined()
    for (let i = 0; i < 20; i++) tier.set(`b${i % 2}`, entryOf(), LATER, 5000)
    expect(tier.get('a')).toBe(undefined)
  })

  it('keeps what comes in after weeks as it did on the first day', () => {
    const tier = tierOf({ maxEntries: 10 })
    tier.set('old', entryOf(), 1000, 0)
    const now = 40 * 86_400_000
    for (let i = 0; i < 10; i++) tier.set(`k${i}`, entryOf(), now + 1000, now + i)
    expect(keysOf(tier)).toEqual(Array.from({ length: 10 }, (_, i) => `k${i}`))
  })

  it('is empty after a clear, and works on', () => {
    const tier = tierOf({ maxBytes: 1e6, maxEntries: 100 })
    for (let i = 0; i < 20; i++) tier.set(`a${i}`, entryOf(), 1000, 0)
    tier.clear()
    expect([tier.entries, tier.bytes, [...tier.list()]]).toEqual([0, 0, []])
    for (let i = 0; i < 20; i++) tier.set(`b${i}`, entryOf(), LATER, 2000)
    expect(tier.entries).toBe(20)
  })

  it('is what a plain model says it is, whatever happens', () => {
    const sets = Array.from({ length: 8 }, () => 'set' as const)
    const step = fc.record({
      what: fc.constantFrom(...sets, 'get', 'get', 'get', 'delete', 'wait', 'clear', 'take'),
      key: fc.integer({ min: 0, max: 50 }).map((n) => `k${n}`),
      length: fc.nat(600),
      life: fc.nat(200),
      isFound: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const maxBytes = 20_000
        let evictions = 0
        const tier = new MemoryTier({ maxBytes, maxEntries: 25, evicted: () => evictions++ })
        /** All that was set last and not taken back: the tier has a part of it, and nothing else. */
        const model = new Map<string, { entry: CacheEntry; end: number; reads: number }>()
        let now = 0
        for (const { what, key, length, life, isFound } of steps) {
          now++
          const held = model.get(key)
          if (what === 'set') {
            const entry = entryOf('x'.repeat(length), { found: isFound })
            const isKept = tier.set(key, entry, now + life, now, { resource: key, params: {} })
            expect(isKept).toBe(key.length + entry.bytes <= maxBytes * 0.05)
            expect(tier.find(key)?.entry).toBe(isKept ? entry : undefined)
            const reads = tier.inspect(key)?.reads ?? 0
            if (isKept) model.set(key, { entry, end: now + life, reads })
            else model.delete(key)
          } else if (what === 'get') {
            if (tier.get(key) !== undefined && held !== undefined) held.reads++
          } else if (what === 'delete') {
            tier.delete(key)
            model.delete(key)
          } else if (what === 'clear' && life < 20) {
            tier.clear()
            model.clear()
          } else if (what === 'wait') now += life
          else if (what === 'take') {
            for (const { recipe, reads } of tier.takeReads()) {
              expect(reads).toBe(model.get(recipe.resource)?.reads)
              expect(model.get(recipe.resource)?.entry.found).toBe(true)
              for (const [name, one] of model) if (name === recipe.resource) one.reads = 0
            }
          }
          expect(problemsOf(tier)).toEqual([])
          expect(tier.evictions).toBe(evictions)
          for (const [name, { entry, reads }] of tier.inspectAll()) {
            expect(entry).toBe(model.get(name)?.entry)
            expect(reads).toBe(model.get(name)?.reads)
          }
          // What is gone without an eviction was past its use, or a "not found" too many.
          for (const [name, { entry, end }] of model) {
            if (tier.find(name) !== undefined) continue
            if (entry.found && evictions === 0) expect(end).toBeLessThanOrEqual(now)
            model.delete(name)
          }
        }
      }),
      { numRuns: 100 },
    )
  }, 120_000)

  it('drops in time all that is past use, in whatever queue, while others come in', () => {
    const tier = tierOf({ maxEntries: 60 })
    for (let i = 0; i < 60; i++) tier.set(`old ${i}`, entryOf(), 100 + i, 0)
    for (let i = 0; i < 40; i++) tier.get(`old ${i}`)
    for (let i = 0; i < 20; i++) tier.set(`mid ${i}`, entryOf(), 500, 0)
    for (let i = 0; i < 5; i++) tier.set(`absent ${i}`, absent(), 300, 0)
    for (let i = 0; i < 80; i++) tier.set(`new ${i % 3}`, entryOf(), LATER, 1000)
    expect(keysOf(tier)).toEqual(['new 0', 'new 1', 'new 2'])
  })
})
