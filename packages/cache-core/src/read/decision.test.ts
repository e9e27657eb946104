import { expect, it, vi } from 'vitest'
import { CONFIGS, policyOf, posts, World } from '../../test/world.ts'
import { makeEntry } from '../entry.ts'
import { Fence } from '../fence/fence.ts'
import { Isolate } from '../isolate.ts'
import { CacheService } from '../service.ts'
import { parseSettings } from '../settings.ts'
import { type ReadDecision, verdict } from './decision.ts'

const post = posts.at({ id: '1' })

/** An isolate that tells its decisions. */
function told(world: World, env: Record<string, string> = {}, configs = CONFIGS) {
  const decisions: ReadDecision[] = []
  const isolate = new Isolate({
    configs,
    settings: parseSettings({ CACHE_DEBUG: 'true', ...env }),
    runtime: world.runtime,
    debug: (decision) => decisions.push(decision),
  })
  const take = () => decisions.splice(0).map(({ outcome, source, why }) => [outcome, source, ...why])
  return { isolate, decisions, take, cache: new CacheService(isolate, world.io()) }
}

function planted() {
  const world = new World()
  world.plant('1', 'first')
  return world
}

it('each read says what it answered, and what each tier said', async () => {
  const world = planted()
  const { cache, decisions, take, isolate } = told(world)
  await cache.read(post)
  expect(take()).toEqual([['MISS', 'database', 'memory: none', 'kv: none', 'loaded']])
  world.writeElsewhere('2', 'x')
  await world.runtime.advance(100)
  await cache.read(post)
  expect(decisions.splice(0)).toEqual([
    {
      requestId: null,
      startedAt: world.runtime.now(),
      answeredAt: world.runtime.now(),
      timing: {},
      key: 'content:post:1',
      outcome: 'HIT',
      source: 'memory',
      why: ['memory: valid'],
      tiers: [
        {
          tier: 'memory',
          verdict: 'valid',
          held: {
            stamp: 0,
            epoch: world.epoch,
            loadedAt: expect.any(Number),
            expiresAt: expect.any(Number),
          },
          newest: null,
        },
      ],
      maxStalenessMs: 5000,
      minSeq: 0,
      stamp: 0,
      upTo: 0,
      epoch: world.epoch,
      expiresAt: expect.any(Number),
      fence: { epoch: world.epoch, head: 0, floor: 0, patterns: 0, ageMs: 100 },
      generation: 0,
    },
  ])
  await world.runtime.advance(60_000)
  await cache.read(post)
  expect(take()).toEqual([['HIT', 'memory', 'memory: not fresh', 'refreshed: valid']])
  const { bookmark } = await cache.invalidate('content:post:1')
  await cache.read(post, { bookmark })
  expect(decisions[0]).toMatchObject({ minSeq: 2, stamp: 2, generation: 2, fence: { head: 2 } })
  expect(take()).toEqual([['MISS', 'database', 'memory: invalid by pattern', 'kv: none', 'loaded']])
  expect(isolate.fence.head).toBe(2)
})

it('why a value was not taken is told for each reason there is', async () => {
  const world = planted()
  const { cache, take } = told(world)
  await cache.read(post)
  await world.settle()
  take()
  const seq = world.logElsewhere(['content:post:7'])
  await cache.read(post, { bookmark: `${world.epoch}.${seq}` })
  expect(take()).toEqual([['HIT', 'memory', 'memory: behind the bookmark', 'refreshed: valid']])
  const other = told(world)
  await other.cache.read(post)
  expect(other.take()).toEqual([['HIT', 'kv', 'memory: none', 'kv: valid']])
  world.writeElsewhere('1', 'second')
  await cache.read(post, { maxStalenessMs: 0 })
  expect(take()).toEqual([
    ['MISS', 'database', 'memory: not fresh', 'refreshed: invalid by pattern', 'kv: none', 'loaded'],
  ])
  await world.runtime.advance(3_600_000 * 1.2)
  await cache.read(post)
  expect(take()[0]?.slice(0, 3)).toEqual(['MISS', 'database', 'memory: expired'])
  await world.settle()
  world.d1.exec("UPDATE invalidation_state SET epoch = 'e2'")
  const restored = told(world)
  await restored.cache.read(post)
  expect(restored.take()).toEqual([['MISS', 'database', 'memory: none', 'kv: of another epoch', 'loaded']])
})

it('a request that wants to know is told of its own reads, with its id', async () => {
  const world = planted()
  const { isolate } = world.isolate({ keepsFresh: false })
  const decisions: ReadDecision[] = []
  const asking = new CacheService(isolate, world.io({ requestId: 'ray-1' }))
  asking.tellDecisions((decision) => decisions.push(decision))
  await asking.read(post)
  await new CacheService(isolate, world.io()).read(post)
  world.writeElsewhere('1', 'second', ['user:profile:7'])
  await world.runtime.advance(60_000)
  await asking.read(post)
  expect(decisions.map(({ requestId, outcome }) => [requestId, outcome])).toEqual([
    ['ray-1', 'MISS'],
    ['ray-1', 'MISS'],
  ])
  expect(decisions[1]?.tiers.map(({ tier, verdict: said, newest }) => [tier, said, newest])).toEqual([
    ['memory', 'not fresh', null],
    ['refreshed', 'invalid by pattern', { name: 'user:profile:7', seq: 1 }],
    ['kv', 'invalid by pattern', { name: 'user:profile:7', seq: 1 }],
  ])
})

it('who joins a load, and what has no reader’s load behind it, is told too', async () => {
  const world = planted()
  const { cache, take } = told(world)
  await Promise.all([cache.read(post), cache.read(post)])
  expect(take().map((line) => line.at(-1))).toEqual(['loaded', 'joined a load'])
  expect(await cache.get('content:nobody:1')).toBe(null)
  await cache.getMany(['content:post:1', 'content:nobody:1', 'session:nobody:1'])
  expect(take()).toEqual([
    ['NONE', null, 'memory: none', 'kv: none'],
    ['HIT', 'memory', 'memory: valid'],
    ['NONE', null, 'memory: none', 'kv: none'],
    ['NONE', null, 'memory: none'],
  ])
})

it('trouble is told: a stale answer, and none', async () => {
  const world = planted()
  const { cache, take } = told(world)
  await cache.read(post)
  take()
  world.d1.before = () => {
    throw new Error('D1 down')
  }
  await world.runtime.advance(60_000)
  await cache.read(post)
  await expect(cache.read(posts.at({ id: '2' }))).rejects.toThrow('D1 is failing')
  expect(take()).toEqual([
    ['STALE', 'memory', 'memory: not fresh', 'D1 fails: the last value'],
    ['ERROR', null, 'memory: none', 'kv: none'],
  ])
})

it('reads past the cache say why they go there', async () => {
  const world = planted()
  const off = told(world, { CACHE_ENABLED: 'false' })
  const outside = told(world, { CACHE_ROLLOUT_PERCENT: '0' })
  for (const { cache } of [off, outside]) await cache.read(post)
  expect([off.take(), outside.take()]).toEqual([
    [['BYPASS', 'database', 'switched off']],
    [['BYPASS', 'database', 'outside the rollout']],
  ])
})

it('goes to the console as a line of JSON where nobody else listens, and nowhere without the setting', async () => {
  const world = planted()
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await world.isolate().cache.read(post)
  expect(log).not.toHaveBeenCalled()
  await world.isolate({ env: { CACHE_DEBUG: 'true' }, configs: { content: policyOf() } }).cache.read(post)
  const lines = log.mock.calls.map(([line]) => JSON.parse(String(line)))
  log.mockRestore()
  expect(lines).toEqual([{ cache: expect.objectContaining({ key: 'content:post:1', source: 'kv' }) }])
})

it('an entry is judged by the fence in words, the same ones as in fact', () => {
  const { isolate } = new World().isolate()
  const loaded = { text: '1', found: true, label: '', tags: [], epoch: 'e', stamp: 5, upTo: 5, loadedAt: 0 }
  const entry = makeEntry(isolate.keyAt('content:post:1'), policyOf(), loaded, 0.5)
  const fence = new Fence()
  const need = { ordinal: 1, startedAt: 1000, maxStalenessMs: 500, minSeq: 9 }
  const judged = (isAlive = true) => verdict(entry, isAlive, fence, need)
  expect([judged(false), judged()]).toEqual(['expired', 'no fence'])
  fence.epoch = 'other'
  expect(judged()).toBe('of another epoch')
  Object.assign(fence, { epoch: 'e', floor: 6 })
  expect([judged(), fence.isValid(entry)]).toEqual(['below the floor', false])
  fence.floor = 5
  expect([judged(), fence.isValid(entry), fence.isFresh(need)]).toEqual(['not fresh', true, false])
  fence.asOf = 600
  expect([judged(), fence.isFresh(need), fence.reaches(need, 5)]).toEqual([
    'behind the bookmark',
    true,
    false,
  ])
  fence.head = 9
  expect(judged()).toBe('valid')
  fence.markAt(['content:*'], 6)
  expect([judged(), fence.isValid(entry)]).toEqual(['invalid by pattern', false])
})

it('a value that hides behind the hash of another key is told as that', async () => {
  const world = new World()
  const { cache, isolate, take } = told(world)
  const load = () => Promise.resolve(1)
  await cache.getOrSet('content:n:1', load)
  const entry = isolate.memory.get('content:n:1')?.entry
  if (entry === undefined) throw new Error('it was just loaded')
  isolate.remember(isolate.keyAt('content:n:1'), { ...entry, canonical: 'a=1' })
  take()
  await cache.getOrSet('content:n:1', load)
  expect(take()[0]?.slice(0, 3)).toEqual(['HIT', 'kv', 'memory: another key'])
})
