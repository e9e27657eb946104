import { describe, expect, it, vi } from 'vitest'
import { CONFIGS, policyOf, posts, World } from '../../test/world.ts'
import type { CacheConfigs } from '../policy.ts'

const source = posts.at({ id: '1' })

/** A world with one post, which one isolate has read twice: the first hit of all begins the sample that is verified. */
async function warm(options: Parameters<World['isolate']>[0] = {}) {
  const world = new World()
  world.plant('1', 'first')
  const made = world.isolate({ ...options, env: { CACHE_VERIFY_SAMPLE: '0', ...options.env } })
  for (let i = 0; i < 2; i++) await made.cache.read(source)
  await world.settle()
  world.queries()
  const kvReads = world.kv.reads
  const peek = () => made.cache.peek(made.isolate.keyOf(source), world.runtime.now())
  return { world, ...made, peek, kvReads }
}

describe('peek', () => {
  it('answers what memory holds at once: the stored text, no operation, counted as one hit', async () => {
    const { world, isolate, cache, peek, kvReads } = await warm()
    const before = isolate.stats.of('content').memoryHits
    const entry = peek()
    expect(entry?.text).toBe('{"id":"1","title":"first"}')
    expect(peek()).toBe(entry)
    expect(cache.peek('content:post:1', world.runtime.now())).toBe(entry)
    expect(cache.peekAt(source)?.text).toBe(entry?.text)
    expect(cache.peekAt(source)).toMatchObject({
      outcome: 'HIT',
      source: 'memory',
      etag: entry?.entry.etag,
      timing: {},
    })
    expect(isolate.stats.of('content').memoryHits).toBe(before + 5)
    expect([world.queries(), world.kv.reads]).toEqual([0, kvReads])
    // Popularity hears of them, too.
    expect(isolate.memory.takeReads()).toMatchObject([{ reads: 7 }])
  })

  it('never shows another key’s text to who holds on to it', async () => {
    const { world, cache, isolate, peek } = await warm({ env: { CACHE_MAX_ENTRIES: '1' } })
    const held = peek()
    await cache.getOrSet('content:n:2', async () => 'another')
    expect([...isolate.memory.list()].map(([key]) => key)).toEqual(['content:n:2'])
    expect(held?.text).toBe('{"id":"1","title":"first"}')
    expect(world.queries()).toBeGreaterThan(0)
  })

  it('is what every read begins with', async () => {
    const { world, isolate, cache, kvReads } = await warm()
    const ordinal = isolate.nextOrdinal()
    expect((await cache.read(source)).source).toBe('memory')
    const got = await cache.getOrSet('content:post:1', () => Promise.reject(new Error('never called')))
    expect([got.source, await cache.get('content:post:1')]).toEqual(['memory', { id: '1', title: 'first' }])
    // None of them took a place in the order of those that wait for D1.
    expect([isolate.nextOrdinal(), world.queries(), world.kv.reads]).toEqual([ordinal + 1, 0, kvReads])
  })

  it('gives nobody a way to change what others read', async () => {
    const { cache } = await warm()
    const value = cache.peekAt(source)?.value()
    if (value) value.title = 'changed'
    expect(cache.peekAt(source)?.value()).toEqual({ id: '1', title: 'first' })
  })

  it('answers nothing in the last part of an entry’s life, in which it may have to be loaded anew, nor past it', async () => {
    const { world, isolate, cache, peek } = await warm()
    const life = cache.peekAt(source)?.ttlMs ?? 0
    const at = async (share: number) => {
      await world.runtime.advance(Math.ceil(share * life) - (world.runtime.now() - began))
      await isolate.refresher.run(world.io())
      return peek()
    }
    const began = world.runtime.now()
    expect(await at(0.89)).toBeDefined()
    for (const share of [0.96, 1, 1.1]) expect(await at(share), String(share)).toBe(undefined)
  })

  it('answers in an isolate that is weeks old', async () => {
    const { world, cache, peek } = await warm()
    await world.runtime.advance(40 * 86_400_000)
    for (let i = 0; i < 2; i++) await cache.read(source)
    expect(peek()).toBeDefined()
  })

  it('answers nothing from a fence older than Δ, or of a time to come', async () => {
    const { world, isolate, peek } = await warm({ keepsFresh: false })
    await world.runtime.advance(isolate.fence.asOf + 5_000 - world.runtime.now())
    expect(peek()).toBeDefined()
    await world.runtime.advance(1)
    expect(peek()).toBe(undefined)
    isolate.fence.asOf = world.runtime.now() + 1
    expect(peek()).toBe(undefined)
  })

  it('answers nothing that was invalidated, by its key, a tag or a write of unknown outcome', async () => {
    const { world, isolate, cache, peek } = await warm()
    await cache.write([world.retitle('1', 'second')])
    expect(peek()).toBe(undefined)
    expect((await cache.read(source)).value()?.title).toBe('second')
    expect(peek()?.text).toContain('second')
    world.logElsewhere(['user:profile:7'])
    expect(peek()).toBeDefined()
    await isolate.refresher.run(world.io())
    expect(peek()).toBe(undefined)
    await cache.read(source)
    expect(peek()).toBeDefined()
    isolate.fence.markUnknown(['content:post:1'], isolate.nextOrdinal())
    expect(peek()).toBe(undefined)
    await isolate.refresher.run(world.io())
    expect(peek()).toBeDefined()
  })

  it('looks for patterns once for all that is logged at a time, and not at each hit', async () => {
    const { world, isolate, peek } = await warm()
    const isValid = vi.spyOn(isolate.fence, 'isValid')
    for (let i = 0; i < 5; i++) peek()
    await isolate.refresher.run(world.io())
    for (let i = 0; i < 5; i++) peek()
    expect(isValid.mock.calls.length).toBeLessThanOrEqual(1)
    world.logElsewhere(['content:post:2'])
    await isolate.refresher.run(world.io())
    isValid.mockClear()
    for (let i = 0; i < 5; i++) expect(peek()).toBeDefined()
    expect(isValid).toHaveBeenCalledTimes(1)
  })

  it('forgets with a new epoch', async () => {
    const { world, isolate, peek } = await warm()
    world.d1.exec("UPDATE invalidation_state SET epoch = 'beef'")
    await isolate.refresher.run(world.io())
    expect([isolate.fence.epoch, peek()]).toEqual(['beef', undefined])
  })

  it('holds the answer against a bookmark, and takes none back', async () => {
    const { world, isolate, cache } = await warm()
    const { bookmark } = cache.peekAt(source) ?? {}
    expect(bookmark).toBe(`${world.epoch}.0`)
    expect(cache.peekAt(source, { bookmark })?.bookmark).toBe(bookmark)
    expect(cache.peekAt(source, { bookmark: `${world.epoch}.1` })).toBe(undefined)
    expect(cache.peekAt(source, { bookmark: 'beef.0' })).toBe(undefined)
    expect(cache.peekAt(source, { bookmark: 'no bookmark' })?.bookmark).toBe(bookmark)
    world.logElsewhere(['content:post:2'])
    await isolate.refresher.run(world.io())
    expect(cache.peekAt(source, { bookmark: `${world.epoch}.1` })?.bookmark).toBe(`${world.epoch}.1`)
    expect(cache.peekAt(source)?.bookmark).toBe(bookmark)
  })

  it.each([
    ['of its own Δ', { maxStalenessMs: 0 }],
    ['of a longer life', { minLifeMs: 10 }],
  ])('leaves reads with wishes to `read`: %s', async (_, options) => {
    const { cache } = await warm()
    expect(cache.peekAt(source, options)).toBe(undefined)
    expect((await cache.read(source, options)).source).toBe('memory')
  })

  it('leaves reads that are told of, or that are to be verified, to `read`', async () => {
    const { world, cache, isolate, peek } = await warm({ env: { CACHE_VERIFY_SAMPLE: '1' } })
    expect(peek()).toBe(undefined)
    const other = await warm()
    other.cache.tellDecisions(() => {})
    expect(other.peek()).toBe(undefined)
    // What nobody can load again is never verified.
    expect(cache.peek(isolate.keyAt('content:post:1'), world.runtime.now())).toBeDefined()
    await world.runtime.advance(1_000)
    const { checks } = isolate.stats.verification
    await cache.read(source)
    await world.settle()
    expect(isolate.stats.verification.checks).toBe(checks + 1)
  })

  it.each<[string, { env?: Record<string, string>; configs?: CacheConfigs }]>([
    ['the cache is off', { env: { CACHE_ENABLED: 'false' } }],
    ['the key is outside the rollout', { env: { CACHE_ROLLOUT_PERCENT: '0.000001' } }],
    ['Δ is 0', { env: { CACHE_MAX_STALENESS_MS: '0' } }],
    ['memory keeps nothing', { configs: { ...CONFIGS, content: policyOf({ memoryEnabled: false }) } }],
  ])('answers nothing where %s', async (_, options) => {
    const { peek } = await warm(options)
    expect(peek()).toBe(undefined)
  })

  it('answers nothing for other parameters with the same hash', async () => {
    const { world, cache, isolate } = await warm()
    const key = { ...isolate.keyOf(source), canonical: 'q=other' }
    expect(cache.peek(key, world.runtime.now())).toBe(undefined)
  })

  it('has the fence refreshed ahead of need', async () => {
    const { world, isolate, peek } = await warm()
    await world.runtime.advance(40_000)
    await isolate.refresher.run(world.io())
    world.queries()
    const { asOf } = isolate.fence
    await world.runtime.advance(3_900)
    peek()
    expect([isolate.fence.asOf, world.queries()]).toEqual([asOf, 0])
    await world.runtime.advance(200)
    peek()
    await world.settle()
    expect(isolate.fence.asOf).toBeGreaterThan(asOf)
  })

  it.each([
    ['of another epoch', () => 'beef.0'],
    ['above the log’s head', (world: World) => `${world.epoch}.1000`],
  ])(
    'leaves a bookmark %s to `read`, which asks D1 once, though the fence is old enough to be refreshed',
    async (_, bookmarkOf) => {
      const { world, isolate, cache } = await warm()
      await world.runtime.advance(40_000)
      await isolate.refresher.run(world.io())
      await world.runtime.advance(4_200)
      world.queries()
      await cache.read(source, { bookmark: bookmarkOf(world) })
      await world.settle()
      expect(world.queries()).toBe(1)
    },
  )
})
