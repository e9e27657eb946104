import { describe, expect, it, vi } from 'vitest'
import { CONFIGS, policyOf, posts, World } from '../../test/world.ts'
import type { CacheConfig } from '../policy.ts'
import { CacheService } from '../service.ts'
import { defineResource } from '../source.ts'
import { DatabaseUnavailableError } from '../sql.ts'

const post = posts.at({ id: '1' })

describe('a read falls through the tiers', () => {
  it('loads once, then answers from memory, then a new isolate answers from KV', async () => {
    const world = new World()
    world.plant('1', 'first')
    const { cache } = world.isolate()
    const miss = await cache.read(post)
    expect([miss.outcome, miss.source, miss.value()]).toEqual([
      'MISS',
      'database',
      { id: '1', title: 'first' },
    ])
    const hit = await cache.read(post)
    expect([hit.outcome, hit.source, hit.text, hit.etag]).toEqual(['HIT', 'memory', miss.text, miss.etag])
    await Promise.all(world.background.promises.slice(0, 0))
    await world.settle()
    const other = await world.isolate().cache.read(post)
    expect([other.outcome, other.source, other.label]).toEqual(['HIT', 'kv', 'f'])
  })

  it('asks D1 nothing while the fence is fresh, and KV nothing on a memory hit', async () => {
    const world = new World()
    world.plant('1', 'first')
    const { cache } = world.isolate()
    await cache.read(post)
    world.queries()
    const reads = world.kv.reads
    await world.runtime.advance(3000)
    await cache.read(post)
    expect([world.queries(), world.kv.reads]).toEqual([0, reads])
  })

  it('keeps lifetimes absolute: promotion to memory does not restart them', async () => {
    const world = new World()
    world.plant('1', 'first')
    await world.isolate().cache.read(post)
    await world.runtime.advance(3_000_000)
    const late = world.isolate()
    const promoted = await late.cache.read(post)
    expect(promoted.source).toBe('kv')
    expect(promoted.ttlMs).toBeLessThan(3600_000 * 1.1 - 3_000_000 + 1)
    expect((await late.cache.read(post)).ttlMs).toBe(promoted.ttlMs)
    await world.runtime.advance(promoted.ttlMs)
    expect((await late.cache.read(post)).outcome).toBe('MISS')
  })

  it('spreads lifetimes by ten per cent', async () => {
    const world = new World()
    const { cache } = world.isolate()
    const lives = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        world.plant(String(i), 'x')
        return (await cache.read(posts.at({ id: String(i) }))).ttlMs
      }),
    )
    expect(Math.min(...lives)).toBeGreaterThanOrEqual(3600_000 * 0.9)
    expect(Math.max(...lives)).toBeLessThanOrEqual(3600_000 * 1.1)
    expect(new Set(lives).size).toBeGreaterThan(40)
  })

  it('gives each caller a value of its own', async () => {
    const world = new World()
    world.plant('1', 'first')
    const { cache } = world.isolate()
    const mine = (await cache.read(post)).value()
    if (mine !== null) mine.title = 'spoilt'
    expect((await cache.read(post)).value()).toEqual({ id: '1', title: 'first' })
  })
})

describe('a hashed key', () => {
  it('is the same key only with the same parameters', async () => {
    const world = new World()
    const { isolate, cache } = world.isolate()
    const list = (last: string) =>
      defineResource<Record<string, never>, unknown>({
        name: 'list',
        namespace: 'content',
        parseParams: () => ({}),
        key: () => ({ entity: 'list', id: { path: [], params: { q: 'x'.repeat(200) + last } } }),
        tags: () => [],
        load: () => ({ statements: [], decode: () => last }),
        parse: (json) => json,
      }).at({})
    const [a, b] = [list('Aa'), list('BB')]
    expect((await cache.read(a)).value()).toBe('Aa')
    const held = isolate.memory.get(isolate.keyOf(a).path)?.entry
    // As if the two had one hash.
    if (held !== undefined) isolate.memory.set(isolate.keyOf(b).path, held, Number.MAX_VALUE, 0)
    const read = await cache.read(b)
    expect([read.outcome, read.value()]).toEqual(['MISS', 'BB'])
    expect((await cache.read(b)).outcome).toBe('HIT')
  })
})

describe('the staleness bound', () => {
  it('holds with no queue at all: a write elsewhere shows after Δ', async () => {
    const world = new World()
    world.plant('1', 'old')
    const { cache } = world.isolate()
    await cache.read(post)
    world.writeElsewhere('1', 'new')
    expect((await cache.read(post)).value()?.title).toBe('old')
    await world.runtime.advance(5001)
    expect((await cache.read(post)).value()?.title).toBe('new')
  })

  it('sends a Δ 0 read to D1 for validity, not for the value', async () => {
    const world = new World()
    world.plant('1', 'old')
    const { cache } = world.isolate()
    await cache.read(post)
    world.queries()
    const hit = await cache.read(post, { maxStalenessMs: 0 })
    expect([hit.source, world.queries()]).toEqual(['memory', 1])
    world.writeElsewhere('1', 'new')
    expect((await cache.read(post, { maxStalenessMs: 0 })).value()?.title).toBe('new')
  })

  it('honours a bookmark at once, without a loop for one that no log has', async () => {
    const world = new World()
    world.plant('1', 'old')
    const { cache } = world.isolate()
    await cache.read(post)
    const writer = world.isolate().cache
    const { bookmark } = await writer.write([world.retitle('1', 'new')])
    expect((await cache.read(post)).value()?.title).toBe('old')
    expect((await cache.read(post, { bookmark: bookmark ?? '' })).value()?.title).toBe('new')
    world.writeElsewhere('1', 'newer')
    expect((await cache.read(post, { bookmark: 'abcdef.1' })).value()?.title).toBe('newer')
    const [epoch] = (bookmark ?? '').split('.')
    expect((await cache.read(post, { bookmark: `${epoch}.999` })).value()?.title).toBe('newer')
    expect((await cache.read(post, { bookmark: 'rubbish' })).outcome).toBe('HIT')
  })

  it('hands out a bookmark that is not behind the one it was sent, though the entry is old', async () => {
    const world = new World()
    world.plant('1', 'old')
    const { cache } = world.isolate()
    const first = await cache.read(post)
    const { bookmark } = await world
      .isolate()
      .cache.write([world.retitle('2', 'x'), world.retitle('1', 'old')])
    world.plant('2', 'other')
    const other = await world.isolate().cache.write([world.retitle('2', 'y')])
    const again = await cache.read(post, { bookmark: other.bookmark })
    expect(again.value()).toEqual(first.value())
    expect(again.bookmark).toBe(other.bookmark)
    const [epoch] = (bookmark ?? '').split('.')
    expect((await cache.read(post, { bookmark: `${epoch}.999` })).bookmark).toBe(other.bookmark)
  })

  it('trusts nothing that was asked at a time which has not come yet: a clock may be set back', async () => {
    const world = new World()
    world.plant('1', 'old')
    const { cache } = world.isolate()
    await cache.read(post)
    world.runtime.time -= 60_000
    world.writeElsewhere('1', 'new')
    expect((await cache.read(post)).value()?.title).toBe('new')
  })

  it('refuses to write an event whose pattern nothing could match', async () => {
    const world = new World()
    world.plant('1', 'old')
    const { cache } = world.isolate()
    const change = world.retitle('1', 'new')
    const wrong = { ...change, event: { ...change.event, patterns: ['content:po*'] } }
    await expect(cache.write([wrong])).rejects.toThrow('a * stands for a whole segment')
    expect(world.d1.one('SELECT title FROM posts')?.title).toBe('old')
  })

  it('invalidates by tag what it would not by key', async () => {
    const world = new World()
    world.plant('1', 'old')
    const { cache } = world.isolate()
    await cache.read(post)
    world.writeElsewhere('1', 'new', ['user:profile:7'])
    await world.runtime.advance(5001)
    const read = await cache.read(post)
    expect([read.outcome, read.value()?.title]).toEqual(['MISS', 'new'])
    expect(cache.getStats().namespaces.content?.invalidByFence).toBeGreaterThan(0)
  })

  it('never takes an old KV value of another generation, tag or epoch', async () => {
    const world = new World()
    world.plant('1', 'old')
    await world.isolate().cache.read(post)
    await world.settle()
    world.writeElsewhere('1', 'new', ['user:profile:7'])
    expect((await world.isolate().cache.read(post)).value()?.title).toBe('new')
    world.writeElsewhere('1', 'newer')
    expect((await world.isolate().cache.read(post)).value()?.title).toBe('newer')
    world.plant('1', 'restored')
    world.d1.exec(`UPDATE invalidation_state SET epoch = 'feed'`)
    expect((await world.isolate().cache.read(post)).value()?.title).toBe('restored')
  })

  it('asks KV for the new generation when the refresh moves it', async () => {
    const world = new World()
    world.plant('1', 'old')
    const first = world.isolate()
    await first.cache.read(post)
    world.writeElsewhere('1', 'new')
    // Another isolate has already loaded the new value to its new name.
    await world.isolate().cache.read(post)
    await world.settle()
    await world.runtime.advance(5001)
    const read = await first.cache.read(post)
    expect([read.source, read.value()?.title]).toEqual(['kv', 'new'])
  })
})

describe('what a read costs', () => {
  /** An isolate whose fence grows old by itself, and what its reads have asked of D1 and KV since the last look. */
  function quiet(policy: Partial<CacheConfig> = {}) {
    const world = new World()
    world.plant('1', 'first')
    const { cache, isolate } = world.isolate({ keepsFresh: false, configs: { content: policyOf(policy) } })
    let seen = { batches: 0, reads: 0 }
    const cost = () => {
      const now = { batches: isolate.stats.d1.batches, reads: world.kv.reads }
      const spent = { d1: now.batches - seen.batches, kv: now.reads - seen.reads }
      seen = now
      return spent
    }
    const invalid = () => cache.getStats().namespaces.content?.invalidByFence
    return { world, cache, isolate, cost, invalid }
  }

  /** A value in KV that this isolate has a warm but old fence for, and no copy of. */
  async function inKvAlone() {
    const bench = quiet({ memoryEnabled: false })
    await bench.cache.read(post)
    await bench.world.settle()
    await bench.world.runtime.advance(10_000)
    bench.cost()
    return bench
  }

  it('a cold one: the snapshot, the tail, KV and the load', async () => {
    const { cache, cost } = quiet()
    await cache.read(post)
    expect(cost()).toEqual({ d1: 2, kv: 2 })
  })

  it('a cold one without KV: the snapshot all the same, since a load alone would start from the whole log', async () => {
    const { cache, cost } = quiet({ kvEnabled: false })
    await cache.read(post)
    expect(cost()).toEqual({ d1: 2, kv: 1 })
  })

  it('one without KV and with an old fence: only the load, which brings the tail along', async () => {
    const { world, cache, cost } = quiet({ kvEnabled: false })
    await cache.read(posts.at({ id: '2' }))
    await world.runtime.advance(10_000)
    cost()
    await cache.read(post)
    expect(cost()).toEqual({ d1: 1, kv: 0 })
  })

  it('a cold one without KV while D1 fails: no load after the refresh that failed', async () => {
    const { world, cache, cost } = quiet({ kvEnabled: false })
    world.d1.before = () => {
      throw new Error('D1 down')
    }
    await expect(cache.read(post)).rejects.toThrow(DatabaseUnavailableError)
    expect([cost(), cache.getStats().kv.errors]).toEqual([{ d1: 1, kv: 1 }, 0])
  })

  it('one that memory has, with an old fence: only the tail', async () => {
    const { world, cache, cost } = quiet()
    await cache.read(post)
    await world.runtime.advance(10_000)
    cost()
    expect((await cache.read(post)).source).toBe('memory')
    expect(cost()).toEqual({ d1: 1, kv: 0 })
  })

  it('one that KV has, with an old fence: the tail beside KV', async () => {
    const { cache, cost } = await inKvAlone()
    expect((await cache.read(post)).source).toBe('kv')
    expect(cost()).toEqual({ d1: 1, kv: 1 })
    expect(cache.getStats().namespaces.content).toMatchObject({ kvHits: 1, misses: 1, memoryHits: 0 })
  })

  it('one whose generation the tail moves: KV once more, by its new name', async () => {
    const { world, cache, cost } = await inKvAlone()
    world.writeElsewhere('1', 'second')
    await world.isolate().cache.read(post)
    await world.settle()
    cost()
    const read = await cache.read(post)
    expect([read.source, read.value()?.title, cost()]).toEqual(['kv', 'second', { d1: 1, kv: 2 }])
  })

  it('one whose generation the tail moves to a name that holds nothing: KV twice, and the load', async () => {
    const { world, cache, cost } = await inKvAlone()
    world.writeElsewhere('1', 'second')
    const read = await cache.read(post)
    expect([read.outcome, read.value()?.title, cost()]).toEqual(['MISS', 'second', { d1: 2, kv: 2 }])
  })

  it('one that the tail invalidates by a tag: the load, and no other name to ask KV for', async () => {
    const { world, cache, cost, invalid } = await inKvAlone()
    world.writeElsewhere('1', 'second', ['user:profile:7'])
    const read = await cache.read(post)
    expect([read.outcome, read.value()?.title, cost(), invalid()]).toEqual([
      'MISS',
      'second',
      { d1: 2, kv: 1 },
      1,
    ])
  })

  it('one after its life, or after an own write: no refresh of a fence that is fresh', async () => {
    const { world, cache, cost, invalid } = quiet({ ttl: 60, staleIfErrorSeconds: 600, kvEnabled: false })
    await cache.read(post)
    await world.runtime.advance(67_000)
    await cache.read(posts.at({ id: '2' }))
    cost()
    await cache.read(post)
    expect(cost()).toEqual({ d1: 1, kv: 0 })
    await cache.write([world.retitle('1', 'second')])
    cost()
    await cache.read(post)
    expect([cost(), invalid()]).toEqual([{ d1: 1, kv: 0 }, 1])
  })

  it('one of KV while D1 fails: the refresh alone is tried, and nothing is called invalid', async () => {
    const { world, cache, isolate, cost, invalid } = quiet({ memoryEnabled: false, staleIfErrorSeconds: 600 })
    await cache.read(post)
    await world.settle()
    await world.runtime.advance(10_000)
    cost()
    world.d1.before = () => {
      throw new Error('D1 down')
    }
    const stale = await cache.read(post)
    expect([stale.outcome, stale.source, cost(), invalid()]).toEqual(['STALE', 'kv', { d1: 1, kv: 1 }, 0])
    expect(isolate.memory.entries).toBe(0)
  })

  it('is told in milliseconds, tier by tier', async () => {
    const { world, cache } = quiet()
    const slow = (ms: number) => () =>
      new Promise<void>((resolve) => {
        world.runtime.setTimeout(resolve, ms)
      })
    world.d1.before = slow(20)
    world.kv.before = slow(7)
    const timed = async () => {
      const reading = cache.read(post)
      await world.runtime.advance(200)
      return (await reading).timing
    }
    expect(await timed()).toEqual({ fence: 27, kv: 7, db: 20 })
    expect(await timed()).toEqual({})
    await world.runtime.advance(10_000)
    expect(await timed()).toEqual({ fence: 20 })
  })
})

describe('single flight', () => {
  it('makes one load for a hundred misses', async () => {
    const world = new World()
    world.plant('1', 'first')
    const { cache } = world.isolate()
    const reads = await Promise.all(Array.from({ length: 100 }, () => cache.read(post)))
    expect(new Set(reads.map((read) => read.text)).size).toBe(1)
    expect(cache.getStats().namespaces.content?.loads).toBe(1)
  })

  it('makes one load for a hundred misses when it throws, and a new one for the next request', async () => {
    const world = new World()
    const { cache } = world.isolate()
    const load = vi.fn(async (): Promise<number> => {
      throw new Error('boom')
    })
    const reads = await Promise.allSettled(
      Array.from({ length: 100 }, () => cache.getOrSet('content:sum:1', load)),
    )
    expect(reads.every((read) => read.status === 'rejected')).toBe(true)
    expect(load).toHaveBeenCalledTimes(1)
    load.mockImplementation(async () => 42)
    expect((await cache.getOrSet('content:sum:1', load)).value()).toBe(42)
  })

  it('is held by the request that leads it, which may have been answered by then', async () => {
    const world = new World()
    const { cache } = world.isolate({ keepsFresh: false, io: { kv: null } })
    await cache.read(post)
    let release = () => {}
    world.d1.before = () => new Promise<void>((resolve) => (release = resolve))
    const held = world.background.promises.length
    const reading = cache.read(posts.at({ id: '2' }))
    await world.settle()
    let isDone = false
    expect(world.background.promises.length).toBeGreaterThan(held)
    void Promise.all(world.background.promises).then(() => {
      isDone = true
    })
    await world.settle()
    expect(isDone).toBe(false)
    release()
    await reading
    await world.settle()
    expect(isDone).toBe(true)
  })

  it('takes over from a leader that is never heard of again', async () => {
    const world = new World()
    const { cache } = world.isolate()
    let calls = 0
    const load = () => (++calls === 1 ? new Promise<number>(() => {}) : Promise.resolve(calls))
    void cache.getOrSet('content:sum:1', load)
    await world.settle()
    const followers = Array.from({ length: 20 }, () => cache.getOrSet('content:sum:1', load))
    await world.runtime.advance(2100)
    expect((await Promise.all(followers)).map((read) => read.value())).toEqual(Array(20).fill(2))
    expect((await cache.getOrSet('content:sum:1', load)).outcome).toBe('HIT')
  })

  it('gives a load that took over its own time: its followers do not all lead anew', async () => {
    const world = new World()
    const { cache } = world.isolate()
    let calls = 0
    const load = async () => {
      if (++calls === 1) await new Promise(() => {})
      await new Promise<void>((resolve) => world.runtime.setTimeout(resolve, 500))
      return calls
    }
    void cache.getOrSet('content:sum:1', load)
    await world.settle()
    const followers = Array.from({ length: 20 }, () => cache.getOrSet('content:sum:1', load))
    await world.runtime.advance(5000)
    expect((await Promise.all(followers)).map((read) => read.value())).toEqual(Array(20).fill(2))
    expect(calls).toBe(2)
  })

  it('is held by its leader alone: a follower is done when it has its answer, whatever became of the flight', async () => {
    const world = new World()
    const { cache } = world.isolate()
    let calls = 0
    const load = () => (++calls === 1 ? new Promise<number>(() => {}) : Promise.resolve(2))
    void cache.getOrSet('content:sum:1', load)
    await world.settle()
    const held = world.background.promises.length
    const follower = cache.getOrSet('content:sum:1', load)
    await world.runtime.advance(5000)
    expect((await follower).value()).toBe(2)
    const settled = await Promise.race([
      Promise.all(world.background.promises.slice(held)).then(() => true),
      world.settle().then(() => false),
    ])
    expect(settled).toBe(true)
  })

  it('lets nobody have a value that was invalidated while it was loaded and before they asked', async () => {
    const world = new World()
    world.plant('1', 'old')
    const { cache } = world.isolate()
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    let calls = 0
    const load = async () => {
      const title = String(world.d1.one('SELECT title FROM posts')?.title)
      if (++calls === 1) await gate
      return title
    }
    const early = cache.getOrSet('content:post:1', load)
    await world.settle()
    await cache.write([world.retitle('1', 'new')])
    const late = cache.getOrSet('content:post:1', load, { maxStalenessMs: 0 })
    await world.settle()
    release()
    expect((await late).value()).toBe('new')
    await early
    expect((await cache.getOrSet('content:post:1', load)).value()).toBe('new')
  })
})

describe('not found', () => {
  it('is cached in memory, never in KV, and undone by the creation', async () => {
    const world = new World()
    const { cache } = world.isolate()
    expect((await cache.read(post)).found).toBe(false)
    const again = await cache.read(post)
    expect([again.found, again.source, again.value()]).toEqual([false, 'memory', null])
    await world.settle()
    expect([world.kv.writes, cache.getStats().kv.dropped]).toEqual([0, 0])
    world.writeElsewhere('1', 'born')
    await world.runtime.advance(5001)
    expect((await cache.read(post)).value()?.title).toBe('born')
  })
})

describe('while D1 fails', () => {
  it('serves the last value, labelled, where the policy allows it; and never stores it again', async () => {
    const world = new World()
    world.plant('1', 'old')
    const { cache, isolate } = world.isolate()
    await cache.read(post)
    world.writeElsewhere('1', 'new')
    await world.runtime.advance(40_000)
    world.d1.before = () => {
      throw new Error('D1 down')
    }
    await world.runtime.advance(10_000)
    const stale = await cache.read(post)
    expect([stale.outcome, stale.value()?.title, stale.ttlMs]).toEqual(['STALE', 'old', 0])
    await expect(cache.read(post, { maxStalenessMs: 0 })).rejects.toThrow(DatabaseUnavailableError)
    await expect(cache.read(post, { bookmark: 'abc.1' })).rejects.toThrow(DatabaseUnavailableError)
    world.d1.before = null
    await world.runtime.advance(60_000)
    await cache.read(post)
    await world.runtime.advance(1000)
    expect(isolate.sql.breaker.isOpen).toBe(false)
    expect((await cache.read(post)).value()?.title).toBe('new')
  })

  it('serves nothing stale for a policy without stale-if-error, nor past its time', async () => {
    const world = new World()
    const { cache } = world.isolate({ configs: { content: policyOf({ staleIfErrorSeconds: 0 }) } })
    await cache.read(post)
    world.d1.before = () => {
      throw new Error('D1 down')
    }
    await world.runtime.advance(40_000)
    await expect(cache.read(post)).rejects.toThrow(DatabaseUnavailableError)
    const other = new World()
    const lasting = other.isolate({ configs: CONFIGS })
    await lasting.cache.read(post)
    other.d1.before = world.d1.before
    await other.runtime.advance((3600 * 1.1 + 3600) * 1000)
    await expect(lasting.cache.read(post)).rejects.toThrow(DatabaseUnavailableError)
  })

  it('waits for no time-outs once the breaker is open', async () => {
    const world = new World()
    world.plant('1', 'old')
    const { cache, isolate } = world.isolate()
    await cache.read(post)
    world.d1.before = () => new Promise(() => {})
    for (let i = 0; i < 4; i++) {
      const read = cache.read(post, { maxStalenessMs: 0 }).catch((error: unknown) => error)
      await world.runtime.advance(8000)
      expect(await read).toBeInstanceOf(DatabaseUnavailableError)
    }
    expect(isolate.sql.breaker.isOpen).toBe(true)
    const before = world.runtime.time
    expect((await cache.read(post)).outcome).toBe('STALE')
    expect(world.runtime.time).toBe(before)
  })

  it('serves from KV in a cold isolate that finds a snapshot', async () => {
    const world = new World()
    world.plant('1', 'old')
    world.logElsewhere(['content:post:9'])
    await world.isolate().cache.read(post)
    await world.settle()
    const { buildSnapshot, writeSnapshot } = await import('../fence/snapshot.ts')
    const snapshot = await buildSnapshot(world.db)
    if (snapshot !== null) await writeSnapshot(world.kv, snapshot, world.runtime.now())
    world.d1.before = () => {
      throw new Error('D1 down')
    }
    const read = await world.isolate().cache.read(post)
    expect([read.outcome, read.source, read.value()?.title]).toEqual(['STALE', 'kv', 'old'])
  })
})

describe('find', () => {
  it('serves the last value, labelled, while D1 fails; and null where there is none', async () => {
    const world = new World()
    world.plant('1', 'old')
    const { cache } = world.isolate()
    await cache.read(post)
    await world.runtime.advance(40_000)
    world.d1.before = () => {
      throw new Error('D1 down')
    }
    const found = await cache.getWithSource('content:post:1')
    expect([found?.outcome, found?.value()]).toEqual(['STALE', { id: '1', title: 'old' }])
    expect(await cache.getWithSource('content:post:2')).toBe(null)
  })

  it('finds nothing where the cache is off, though KV holds it', async () => {
    const world = new World()
    world.plant('1', 'first')
    await world.isolate().cache.read(post)
    await world.settle()
    expect(await world.isolate().cache.getWithSource('content:post:1')).not.toBe(null)
    const { cache } = world.isolate({ env: { CACHE_ENABLED: 'false' } })
    world.queries()
    expect([await cache.getWithSource('content:post:1'), world.queries()]).toEqual([null, 0])
  })

  it('says what is wrong with a database that has no log', async () => {
    const world = new World()
    world.d1.exec('DELETE FROM invalidation_state')
    const { cache } = world.isolate()
    await expect(cache.get('content:post:1')).rejects.toThrow('run its migrations')
    await expect(cache.getMany(['content:post:1'])).rejects.toThrow('run its migrations')
  })
})

describe('errors that are no outage of D1', () => {
  it('are told, not covered with a value that is known to be wrong', async () => {
    const world = new World()
    const { cache } = world.isolate()
    await cache.getOrSet('content:sum:1', async () => 'old')
    await cache.delete('content:sum:1')
    const forbidden = async () => {
      throw new RangeError('forbidden')
    }
    await expect(cache.getOrSet('content:sum:1', forbidden)).rejects.toThrow('forbidden')
    const down = async () => {
      throw new Error('D1_ERROR: network connection lost')
    }
    expect((await cache.getOrSet('content:sum:1', down)).outcome).toBe('STALE')
  })

  it('of one statement do not shut D1 for all others', async () => {
    const world = new World()
    world.plant('1', 'first')
    const { cache, isolate } = world.isolate()
    const broken = {
      ...post,
      load: (db: typeof world.db) => ({
        ...post.load(db),
        statements: [db.prepare('SELECT nonsense FROM posts')],
      }),
    }
    for (let i = 0; i < 5; i++) {
      await expect(cache.read({ ...broken, id: `broken-${i}` })).rejects.toThrow('no such column')
    }
    expect(isolate.sql.breaker.isOpen).toBe(false)
    expect((await cache.read(post)).outcome).toBe('MISS')
  })
})

describe('switches', () => {
  it.each([
    ['cache off', { CACHE_ENABLED: 'false' }, 'BYPASS'],
    ['nothing rolled out', { CACHE_ROLLOUT_PERCENT: '0' }, 'BYPASS'],
    ['KV off', { CACHE_KV_ENABLED: 'false' }, 'MISS'],
  ])('%s: answers all the same', async (_, env, outcome) => {
    const world = new World()
    world.plant('1', 'first')
    const { cache } = world.isolate({ env })
    expect((await cache.read(post)).value()?.title).toBe('first')
    await world.settle()
    expect(world.kv.writes).toBe(0)
    const { cache: second } = world.isolate({ env })
    expect((await second.read(post)).outcome).toBe(outcome)
    expect(await second.getWithSource('content:post:2')).toBe(null)
  })

  it('gives a bookmark with what is not rolled out: the next key may be a cached one', async () => {
    const world = new World()
    world.plant('1', 'first')
    const partial = world.isolate({ env: { CACHE_ROLLOUT_PERCENT: '0' } }).cache
    expect((await partial.read(post)).bookmark).toMatch(/^[0-9a-f]+\.0$/)
    world.queries()
    const off = world.isolate({ env: { CACHE_ENABLED: 'false' } }).cache
    expect([(await off.read(post)).bookmark, world.queries()]).toEqual([null, 1])
  })

  it('rolls out a stable share of keys', () => {
    const world = new World()
    const share = (percent: string) => {
      const { isolate } = world.isolate({ env: { CACHE_ROLLOUT_PERCENT: percent } })
      return new Set(
        Array.from({ length: 1000 }, (_, i) => isolate.keyAt(`content:post:${i}`))
          .filter((key) => isolate.serves(key))
          .map((key) => key.path),
      )
    }
    const ten = share('10')
    const fifty = share('50')
    expect(ten.size).toBeGreaterThan(60)
    expect(ten.size).toBeLessThan(140)
    expect(fifty.size).toBeGreaterThan(430)
    expect([...ten].every((path) => fifty.has(path))).toBe(true)
    expect(share('10')).toEqual(ten)
  })

  it('memory off by policy: KV answers each time', async () => {
    const world = new World()
    world.plant('1', 'first')
    const { cache } = world.isolate({ configs: { content: policyOf({ memoryEnabled: false }) } })
    await cache.read(post)
    await world.settle()
    expect((await cache.read(post)).source).toBe('kv')
  })

  it('no KV bound: memory and D1', async () => {
    const world = new World()
    world.plant('1', 'first')
    const { cache } = world.isolate({ io: { kv: null } })
    expect((await cache.read(post)).source).toBe('database')
    expect((await cache.read(post)).source).toBe('memory')
    expect(cache.getStats().kv).toMatchObject({ reads: 0, writes: 0, errors: 0 })
  })
})

describe('KV trouble', () => {
  it.each([
    ['errors', () => Promise.reject(new Error('KV GET failed: 500'))],
    ['429', () => Promise.reject(new Error('KV PUT failed: 429 Too Many Requests'))],
  ])('%s on each call: D1 answers', async (_, fail) => {
    const world = new World()
    world.plant('1', 'first')
    world.kv.before = fail
    for (let i = 0; i < 5; i++) expect((await world.isolate().cache.read(post)).value()?.title).toBe('first')
    await world.settle()
    expect(world.kv.entries.size).toBe(0)
  })

  it('a hanging KV costs its deadline, then nothing while its breaker is open', async () => {
    const world = new World()
    world.kv.before = () => new Promise(() => {})
    const { cache, isolate } = world.isolate()
    for (let i = 0; i < 5; i++) {
      const read = cache.read(posts.at({ id: `missing-${i}` }))
      await world.runtime.advance(3000)
      expect((await read).found).toBe(false)
    }
    expect(isolate.kvTier.breaker.isOpen).toBe(true)
    world.plant('1', 'first')
    const started = world.runtime.time
    await cache.read(post)
    expect(world.runtime.time - started).toBe(0)
  })

  it('garbage is a miss, counted', async () => {
    const world = new World()
    world.plant('1', 'first')
    await world.isolate().cache.read(post)
    await world.settle()
    for (const stored of world.kv.entries.values()) stored.value = stored.value.replace('first', 'FIRST')
    const { cache } = world.isolate()
    expect((await cache.read(post)).value()?.title).toBe('first')
    expect(cache.getStats().kv.garbage).toBe(1)
  })
})

describe('many keys', () => {
  it('reads them with one refresh and one KV operation, and puts them into memory', async () => {
    const world = new World()
    const { cache } = world.isolate()
    for (let i = 0; i < 30; i++) await cache.set(`content:n:${i}`, i)
    await world.settle()
    const other = world.isolate()
    world.queries()
    const reads = world.kv.reads
    const keys = Array.from({ length: 31 }, (_, i) => `content:n:${i}`)
    const found = await other.cache.getMany<number>(keys)
    expect([found.size, found.get('content:n:7'), found.has('content:n:30')]).toEqual([30, 7, false])
    expect(world.kv.reads - reads).toBe(2) // the snapshot and one bulk read
    expect(await other.cache.warmCache(keys)).toBe(30)
    expect(world.kv.reads - reads).toBe(3) // the one that is nowhere is asked for again
    expect(other.isolate.memory.entries).toBe(30)
  })

  it('find D1 well again, though nobody reads one key alone', async () => {
    const world = new World()
    const { cache, isolate } = world.isolate()
    world.d1.before = () => {
      throw new Error('D1 down')
    }
    for (let i = 0; i < 3; i++) await cache.getMany(['content:n:1'])
    expect(isolate.sql.breaker.isOpen).toBe(true)
    world.d1.before = null
    await world.runtime.advance(1000)
    await cache.getMany(['content:n:1'])
    await world.settle()
    expect(isolate.sql.breaker.isOpen).toBe(false)
  })

  it('answers nothing when D1 cannot vouch for anything', async () => {
    const world = new World()
    world.d1.before = () => {
      throw new Error('D1 down')
    }
    expect((await world.isolate().cache.getMany(['content:n:1'])).size).toBe(0)
    expect(
      (await world.isolate({ env: { CACHE_ENABLED: 'false' } }).cache.getMany(['content:n:1'])).size,
    ).toBe(0)
    expect(await world.isolate().cache.get('content:n:1')).toBe(null)
  })
})

describe('quiet sites', () => {
  it('keeps the fence fresh behind a request, for 25 s and no longer', async () => {
    const world = new World()
    world.plant('1', 'first')
    const { cache, isolate } = world.isolate()
    await cache.read(post)
    await world.runtime.advance(20_000)
    world.queries()
    const timing = (await cache.read(post)).timing
    expect([timing.fence, world.queries()]).toEqual([undefined, 0])
    await world.runtime.advance(60_000)
    expect(world.queries()).toBeLessThanOrEqual(3)
    expect(isolate.runtime.now() - isolate.fence.asOf).toBeGreaterThan(40_000)
  })

  it('takes the smaller Δ of two kinds of readers', async () => {
    const world = new World()
    const { isolate } = world.isolate()
    const cache = new CacheService(isolate, world.io())
    await cache.read(post)
    await world.runtime.advance(900)
    await cache.getOrSet('session:token:1', async () => 1)
    await world.runtime.advance(5000)
    expect(isolate.runtime.now() - isolate.fence.asOf).toBeLessThanOrEqual(500)
  })
})
