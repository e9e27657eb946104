import { describe, expect, it } from 'vitest'
import { CONFIGS, policyOf, posts, World } from '../../test/world.ts'
import { CacheService, explain, explainReads, type ReadDecision } from '../index.ts'
import { kvName } from '../keys/key.ts'

const post = posts.at({ id: '1' })
const KEY = 'content:post:1'

/** A world with one post, read once by an isolate. */
async function read() {
  const world = new World()
  world.plant('1', 'first')
  // Nobody keeps the fence fresh behind the reads.
  const made = world.isolate({ keepsFresh: false })
  await made.cache.read(post)
  await world.settle()
  return { world, ...made, ask: (key = KEY) => explain(made.isolate, world.io(), key) }
}

describe('explain', () => {
  it('tells of both tiers, the fence, and that nothing has invalidated the key', async () => {
    const { ask, world } = await read()
    await world.runtime.advance(1_000)
    const told = await ask()
    expect(told).toMatchObject({
      key: KEY,
      text: `${KEY}:v1.1`,
      namespace: 'content',
      isCurrentVersion: true,
      isPrivate: false,
      isServed: true,
      recipe: { resource: 'post', params: { id: '1' } },
      kvName: `${KEY}:v1.1.0`,
      fence: { head: 0, ageMs: 1_000, isFresh: true },
      log: { head: 0, unseen: 0 },
      decision: { source: 'memory', steps: ['memory: valid'] },
    })
    const held = {
      stamp: 0,
      epoch: world.epoch,
      found: true,
      label: 'f',
      tags: ['user:profile:7'],
      ageMs: 1_000,
      by: null,
    }
    expect(told.tiers).toMatchObject([
      { tier: 'memory', isAsked: true, verdict: 'valid', held: { ...held, reads: 1 } },
      { tier: 'kv', isAsked: true, verdict: 'valid', held: { ...held, reads: null } },
    ])
    expect(told.newest).toEqual([
      { name: KEY, is: 'key', pattern: null, seq: null, isKnown: true, event: null },
      { name: 'user:profile:7', is: 'tag', pattern: null, seq: null, isKnown: true, event: null },
    ])
  })

  it('tells of a folded name which seq it had, and that its pattern is not known any more', async () => {
    const world = new World()
    world.plant('1', 'first')
    const { isolate, cache } = world.isolate({ keepsFresh: false, fence: { maxPatterns: 2 } })
    await cache.read(post)
    const seq = world.logElsewhere([KEY])
    for (const id of ['2', '3', '4']) world.logElsewhere([`content:post:${id}`])
    await isolate.refresher.run(world.io())
    expect(isolate.fence.size).toBeLessThanOrEqual(2)
    const told = await explain(isolate, world.io(), KEY)
    const match = { name: KEY, is: 'key', pattern: null, seq }
    expect(told.tiers[0]).toMatchObject({
      tier: 'memory',
      verdict: 'invalid by pattern',
      held: { by: match },
    })
    expect(told.newest[0]).toMatchObject({ ...match, isKnown: true })
  })

  it('names the event that made a value invalid, by key and by tag', async () => {
    const { ask, world, cache } = await read()
    await cache.read(posts.at({ id: '2' }))
    const byTag = world.logElsewhere(['user:*'], 'user.update')
    await cache.read(posts.at({ id: '2' }), { maxStalenessMs: 0 })
    const told = await ask()
    expect(told.tiers[0]).toMatchObject({
      verdict: 'invalid by pattern',
      held: { by: { name: 'user:profile:7', is: 'tag', pattern: 'user:*', seq: byTag } },
    })
    expect(told.newest[1]).toMatchObject({
      pattern: 'user:*',
      isKnown: true,
      event: { type: 'user.update', createdAt: world.runtime.now(), processedAt: null },
    })
    expect(told.decision).toEqual({
      source: 'database',
      steps: ['memory: invalid by pattern', 'kv: invalid by pattern', 'load from D1'],
    })
    const seq = world.logElsewhere([KEY])
    await cache.read(posts.at({ id: '2' }), { maxStalenessMs: 0 })
    expect((await ask()).tiers).toMatchObject([
      { held: { by: { name: KEY, is: 'key', pattern: KEY, seq } } },
      { verdict: 'none', held: null },
    ])
    world.d1.exec('DELETE FROM invalidation_log WHERE seq < 2')
    expect((await ask()).newest).toMatchObject([
      { event: { type: 'post.update' } },
      { seq: byTag, event: null },
    ])
  })

  it('tells what the log has and the fence has not seen yet', async () => {
    const { ask, world } = await read()
    const seq = world.writeElsewhere('1', 'second')
    expect(await ask()).toMatchObject({
      log: { head: seq, unseen: 1 },
      newest: [{ pattern: KEY, seq, isKnown: false, event: { type: 'post.update' } }, {}],
      // Within Δ the fence may still call it valid.
      decision: { source: 'memory' },
    })
    await world.runtime.advance(60_000)
    expect((await ask()).decision).toEqual({
      source: 'database',
      steps: [
        'memory: not fresh',
        'the fence asks D1 for news',
        'memory: invalid by what the fence has not seen yet',
        'kv: not fresh',
        'kv: invalid by what the fence has not seen yet',
        'load from D1',
      ],
    })
  })

  it('finds a value valid that only freshness is missing for', async () => {
    const { ask, world } = await read()
    world.writeElsewhere('2', 'another')
    await world.runtime.advance(60_000)
    expect((await ask()).decision).toEqual({
      source: 'memory',
      steps: ['memory: not fresh', 'the fence asks D1 for news', 'memory: valid'],
    })
  })

  it('changes nothing: no read is counted, nothing moves, nothing is written', async () => {
    const { world, isolate, ask } = await read()
    const other = world.isolate()
    await other.cache.read(posts.at({ id: '9' }))
    const state = () => ({
      stats: isolate.getStats(),
      other: other.isolate.getStats(),
      order: [...isolate.memory.list()].map(([key]) => key),
      reads: isolate.memory.inspect(KEY)?.reads,
      kv: [...world.kv.entries.keys()],
      asOf: isolate.fence.asOf,
      ordinal: isolate.nextOrdinal(),
    })
    const before = state()
    world.writeElsewhere('1', 'second')
    await ask()
    const elsewhere = await explain(other.isolate, world.io(), KEY)
    expect(elsewhere.tiers).toMatchObject([{ verdict: 'none' }, { verdict: 'valid' }])
    await world.settle()
    expect(state()).toEqual({ ...before, ordinal: before.ordinal + 1 })
    expect(other.isolate.memory.inspect(KEY)).toBe(undefined)
  })

  it('takes a key with its version, of another version, and a name in KV', async () => {
    const { ask, world } = await read()
    expect(await ask(`${KEY}:v1.1`)).toMatchObject({ isCurrentVersion: true, key: KEY, text: `${KEY}:v1.1` })
    expect(await ask(`${KEY}:v0.1`)).toMatchObject({
      isCurrentVersion: false,
      key: KEY,
      tiers: [{ verdict: 'none' }, { verdict: 'none' }],
    })
    const seq = world.logElsewhere([KEY])
    expect(await ask(`${KEY}:v1.1.0`)).toMatchObject({
      kvName: `${KEY}:v1.1.0`,
      tiers: [{}, { held: { stamp: 0 } }],
    })
    expect(await ask(`${KEY}:v1.1.${seq}`)).toMatchObject({ tiers: [{}, { verdict: 'none' }] })
    // Without the version it would be no key at all: this is an id that looks like one.
    expect(await ask('content:v1.1')).toMatchObject({ key: 'content:v1.1', text: 'content:v1.1:v1.1' })
    await expect(ask('content:*')).rejects.toThrow(RangeError)
    await expect(ask('nothing')).rejects.toThrow(RangeError)
  })

  it('says which tiers are not used, and why reads go past the cache', async () => {
    const world = new World()
    const session = world.isolate()
    expect((await explain(session.isolate, world.io(), 'session:token:1')).tiers).toMatchObject([
      { tier: 'memory', isAsked: true, verdict: 'none' },
      { tier: 'kv', isAsked: false, verdict: 'not used' },
    ])
    const consumer = world.isolate({ configs: { content: policyOf({ memoryEnabled: false }) } })
    expect((await explain(consumer.isolate, world.io(), KEY)).tiers[0]).toMatchObject({ isAsked: false })
    const off = world.isolate({ env: { CACHE_ENABLED: 'false' } })
    expect(await explain(off.isolate, world.io(), KEY)).toMatchObject({
      isServed: false,
      decision: { source: 'database', steps: ['switched off'] },
    })
    const outside = world.isolate({ env: { CACHE_ROLLOUT_PERCENT: '0' } })
    expect((await explain(outside.isolate, world.io(), KEY)).decision.steps).toEqual(['outside the rollout'])
  })

  it('tells what it knows while D1 and KV fail', async () => {
    const { ask, world } = await read()
    world.d1.before = () => Promise.reject(new Error('D1 down'))
    world.kv.before = () => Promise.reject(new Error('KV down'))
    await world.runtime.advance(60_000)
    expect(await ask()).toMatchObject({
      log: null,
      tiers: [{ verdict: 'not fresh' }, { verdict: 'unavailable', held: null }],
      decision: { steps: ['memory: not fresh', 'D1 does not answer', 'kv: unavailable', 'load from D1'] },
    })
  })

  it('calls a value garbage that is none, and finds one whose parameters are hashed', async () => {
    const { ask, world, isolate, cache } = await read()
    await world.kv.put(`${KEY}:v1.1.0`, 'nonsense', { expirationTtl: 60, metadata: {} })
    expect((await ask()).tiers[1]).toMatchObject({ verdict: 'garbage' })
    const params = { search: 'x'.repeat(200) }
    const key = isolate.keyOf({ namespace: 'content', entity: 'list', id: { path: [], params } })
    expect(key.canonical).not.toBe(null)
    await isolate.kvTier.put(
      world.kv,
      key,
      0,
      {
        ...(isolate.memory.inspect(KEY)?.entry ?? fail()),
        path: key.path,
        canonical: key.canonical,
      },
      CONFIGS.content ?? policyOf(),
    )
    expect(kvName(key, 0)).toContain('~')
    expect((await ask(key.path)).tiers[1]).toMatchObject({ verdict: 'valid' })
    expect(cache.getStats().kv.garbage).toBe(0)
  })
})

function fail(): never {
  throw new Error('it was just read')
}

describe('what is told of a request’s reads', () => {
  async function told(world: World, requests: (cache: CacheService) => Promise<unknown>) {
    const { isolate } = world.isolate()
    const decisions: ReadDecision[] = []
    const cache = new CacheService(isolate, world.io())
    cache.tellDecisions((decision) => decisions.push(decision))
    await requests(cache)
    const line = await explainReads(isolate, world.db, decisions)
    expect(line).toMatch(/^[\x20-\x7e]*$/)
    expect(line.length).toBeLessThan(4_096)
    return JSON.parse(line)
  }

  it('has each read with its tiers, and the event that invalidated last', async () => {
    const world = new World()
    world.plant('1', 'first')
    const { reads, more } = await told(world, async (cache) => {
      await cache.read(post)
      await world.settle()
      const seq = world.writeElsewhere('1', 'second', ['content:*'])
      await world.runtime.advance(1_000)
      await cache.read(post, { bookmark: `${world.epoch}.${seq}` })
    })
    expect(more).toBe(0)
    expect(reads[0]).toMatchObject({
      key: KEY,
      outcome: 'MISS',
      newest: null,
      tiers: [{ verdict: 'none' }, {}],
    })
    expect(reads[1]).toMatchObject({
      outcome: 'MISS',
      source: 'database',
      minSeq: 1,
      why: ['memory: behind the bookmark', 'refreshed: invalid by pattern', 'kv: none', 'loaded'],
      tiers: [
        { tier: 'memory', verdict: 'behind the bookmark', stamp: 0, ageMs: 1_000 },
        { tier: 'refreshed', verdict: 'invalid by pattern' },
        { tier: 'kv', verdict: 'none' },
      ],
      newest: { name: KEY, is: 'key', pattern: 'content:*', seq: 1, event: { type: 'post.update' } },
    })
  })

  it('stays within a header, in its characters, however many and long the reads are', async () => {
    const world = new World()
    const id = 'ü'.repeat(300)
    const { reads, more } = await told(world, async (cache) => {
      for (let i = 0; i < 30; i++) await cache.read(posts.at({ id: `${i}${id}` }))
    })
    expect(reads.length + more).toBe(30)
    expect(reads.length).toBeGreaterThan(0)
    expect(reads[0].key).toContain('üü')
  })

  it('leaves out the events while D1 fails', async () => {
    const world = new World()
    world.plant('1', 'first')
    const { reads } = await told(world, async (cache) => {
      await cache.read(post)
      await cache.invalidate(KEY)
      await cache.read(post)
      world.d1.before = () => Promise.reject(new Error('D1 down'))
    })
    expect(reads[1].newest).toMatchObject({ seq: 1, event: null })
  })
})
