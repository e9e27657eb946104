import { describe, expect, it } from 'vitest'
import { posts, World } from '../test/world.ts'
import { PatternError } from './keys/pattern.ts'
import { CacheService } from './service.ts'
import { DatabaseUnavailableError } from './sql.ts'

const KEY = 'content:n:1'
const post = posts.at({ id: '1' })

const patternsLogged = (world: World) =>
  world.d1.sqlite
    .prepare('SELECT type, patterns FROM invalidation_log ORDER BY seq')
    .all()
    .map(({ type, patterns }) => [type, JSON.parse(String(patterns))])

describe('get and getWithSource', () => {
  it('give what memory or KV can prove, and null for the rest', async () => {
    const world = new World()
    const { cache } = world.isolate()
    expect([await cache.get(KEY), await cache.getWithSource(KEY)]).toEqual([null, null])
    await cache.set(KEY, { a: 1 })
    expect(await cache.get(KEY)).toEqual({ a: 1 })
    expect((await cache.getWithSource(KEY))?.source).toBe('memory')
    await world.settle()
    expect((await world.isolate().cache.getWithSource(KEY))?.source).toBe('kv')
  })

  it('tell "not found" from a miss', async () => {
    const { cache } = new World().isolate()
    await cache.getOrSet(KEY, async () => null)
    expect([await cache.get(KEY), (await cache.getWithSource(KEY))?.found]).toEqual([null, false])
  })

  it.each(['content', '', ':a', 'content:*', '*'])('refuse %j, which is no key', async (key) => {
    const { cache } = new World().isolate()
    await expect(cache.get(key)).rejects.toThrow(`"${key}" is no key`)
  })

  it.each(['content:post:', 'content::1', 'content:a\u0007'])(
    'refuse %j, which no pattern could name',
    async (key) => {
      const { cache } = new World().isolate()
      await expect(cache.getOrSet(key, async () => 1)).rejects.toThrow(`"${key}" is no key: `)
      await expect(cache.getWithSource(key)).rejects.toThrow(RangeError)
      await expect(cache.set(key, 1)).rejects.toThrow(RangeError)
    },
  )
})

it.each([[undefined], [() => 1], [1n]])(
  'refuses to set %s, which JSON has not, and logs nothing',
  async (value) => {
    const world = new World()
    await expect(world.isolate().cache.set('content:post:1', value)).rejects.toThrow(TypeError)
    expect(world.head).toBe(0)
  },
)

it('an answer’s value is asked of the answer, wherever it came from', async () => {
  const world = new World()
  const { cache } = world.isolate()
  for (const outcome of ['MISS', 'HIT']) {
    const result = await cache.getOrSet('content:item:1', async () => ({ a: 1 }))
    expect(result.outcome).toBe(outcome)
    expect(result.value()).toEqual({ a: 1 })
    const { value } = result
    expect(() => value()).toThrow(TypeError)
    // Nor does it look different where somebody prints it.
    const shown: unknown = JSON.parse(JSON.stringify(result))
    expect(shown).toMatchObject({ outcome, found: true, text: '{"a":1}', etag: result.etag, timing: {} })
  }
})

describe('recall', () => {
  it('gives what memory has of a source, and counts no read', async () => {
    const world = new World()
    const { cache } = world.isolate()
    expect(cache.recall(post)).toBeNull()
    world.plant('1', 'Title')
    const { outcome } = await cache.read(post)
    expect([outcome, cache.recall(post)]).toEqual(['MISS', { id: '1', title: 'Title' }])
    expect(cache.getStats().total.memoryHits).toBe(0)
    await cache.invalidate('content:post:1')
    expect(cache.recall(post)).toBeNull()
  })

  it('has nothing to give while D1 is known to fail, nor of what its source cannot read', async () => {
    const world = new World()
    const { cache, isolate } = world.isolate()
    world.plant('1', 'Title')
    await cache.read(post)
    for (let i = 0; i < 3; i++) isolate.sql.breaker.failed(world.runtime.now())
    expect(cache.recall(post)).toBeNull()
    isolate.sql.breaker.succeeded()
    expect(cache.recall(post)).not.toBeNull()
    const parse = () => {
      throw new TypeError('another version wrote this')
    }
    expect(cache.recall({ ...post, parse })).toBeNull()
  })

  it('has nothing to give of what was not found', async () => {
    const { cache } = new World().isolate()
    expect((await cache.read(post)).found).toBe(false)
    expect(cache.recall(post)).toBeNull()
  })
})

describe('getOrSet', () => {
  it('loads once, and again when a tag that it was given is invalidated', async () => {
    const world = new World()
    const { cache } = world.isolate()
    let loads = 0
    const read = () => cache.getOrSet(KEY, async () => ++loads, { tags: ['post:all'] })
    expect([(await read()).value(), (await read()).value()]).toEqual([1, 1])
    await cache.invalidate('post:*')
    expect([(await read()).value(), loads]).toEqual([2, 2])
  })

  it('is stamped before its first query: what is written while it loads invalidates it', async () => {
    const world = new World()
    world.plant('1', 'old')
    const { cache } = world.isolate()
    const load = async () => {
      const title = world.d1.one('SELECT title FROM posts')?.title
      if (title === 'old') world.writeElsewhere('1', 'new')
      return title
    }
    await cache.getOrSet('content:post:1', load)
    expect((await cache.getOrSet('content:post:1', load)).value()).toBe('new')
  })

  it('asks D1 once beside its load while the fence is young: for the head after it', async () => {
    const world = new World()
    const { cache } = world.isolate()
    await cache.getOrSet('content:n:2', async () => 2)
    world.queries()
    const read = await cache.getOrSet(KEY, async () => 1)
    expect([read.outcome, world.queries()]).toEqual(['MISS', 1])
  })

  it('answers what the log has overtaken since the fence was refreshed, and keeps what the next one loads', async () => {
    const world = new World()
    const { cache, isolate } = world.isolate()
    await cache.getOrSet('content:n:2', async () => 2)
    const seq = world.logElsewhere([KEY])
    const read = (value: number) => cache.getOrSet(KEY, async () => value)
    const first = await read(1)
    expect([first.value(), first.bookmark]).toEqual([1, `${world.epoch}.${seq}`])
    expect(isolate.memory.inspect(KEY)).toBe(undefined)
    expect([(await read(2)).value(), (await read(3)).value()]).toEqual([2, 2])
  })

  it('calls no load while D1 is known to fail, however young the fence is', async () => {
    const world = new World()
    const { cache, isolate } = world.isolate()
    await cache.getOrSet(KEY, async () => 1, { tags: ['a:b'] })
    await cache.invalidate('a:*')
    for (let i = 0; i < 3; i++) isolate.sql.breaker.failed(world.runtime.now())
    const read = await cache.getOrSet(KEY, () => Promise.reject(new Error('called')))
    expect([read.outcome, read.value()]).toEqual(['STALE', 1])
  })

  it('asks for the head first where a write has marked what the fence has not heard of', async () => {
    const world = new World()
    const { cache, isolate } = world.isolate()
    await cache.getOrSet('content:n:2', async () => 2)
    isolate.fence.markUnknown([KEY], isolate.nextOrdinal())
    world.queries()
    await cache.getOrSet(KEY, async () => 1)
    expect([world.queries(), isolate.memory.inspect(KEY)?.text]).toEqual([2, '1'])
  })

  it('is stamped at the head of the log where the fence has not been refreshed for long', async () => {
    const world = new World()
    const { cache } = world.isolate({ keepsFresh: false, io: { kv: null } })
    await cache.getOrSet('content:n:2', async () => 2)
    world.logElsewhere([KEY])
    await world.runtime.advance(10_000)
    await cache.getOrSet(KEY, async () => 1)
    expect((await cache.getOrSet(KEY, async () => 2)).value()).toBe(1)
  })

  it('keeps nothing that was loaded over the change of an epoch', async () => {
    const world = new World()
    const { cache, isolate } = world.isolate()
    await cache.getOrSet(KEY, async () => {
      world.d1.exec(`UPDATE invalidation_state SET epoch = 'feed'`)
      return 1
    })
    expect([isolate.memory.entries, world.kv.writes]).toEqual([0, 0])
  })

  it('serves the last value while D1 fails in its load; other failures are the caller’s', async () => {
    const world = new World()
    const { cache } = world.isolate()
    const failing = (message: string) =>
      cache.getOrSet(KEY, async () => {
        throw new Error(message)
      })
    await cache.getOrSet(KEY, async () => 1, { tags: ['a:b'] })
    await cache.invalidate('a:*')
    const stale = await failing('D1_ERROR: Network connection lost.')
    expect([stale.outcome, stale.value()]).toEqual(['STALE', 1])
    await expect(failing('D1_ERROR: no such table: n')).rejects.toThrow('no such table')
    await expect(failing('cannot read properties of undefined')).rejects.toThrow('cannot read')
    const counts = cache.getStats().namespaces.content
    expect([counts?.loads, counts?.loadErrors, counts?.stale]).toEqual([4, 3, 1])
  })

  it('with the cache off calls its load, and nothing else', async () => {
    const world = new World()
    const { cache } = world.isolate({ env: { CACHE_ENABLED: 'false' } })
    const read = await cache.getOrSet(KEY, async () => 1)
    expect([read.outcome, read.value(), read.bookmark, world.queries()]).toEqual(['BYPASS', 1, null, 0])
    await expect(
      cache.getOrSet(KEY, async () => {
        throw new Error('D1_ERROR: Network connection lost.')
      }),
    ).rejects.toThrow(DatabaseUnavailableError)
  })

  it('refuses what JSON cannot say', async () => {
    const { cache } = new World().isolate()
    await expect(cache.getOrSet(KEY, async () => undefined)).rejects.toThrow('must be JSON')
  })
})

describe('set and setMany', () => {
  it('are writes: the log notes the keys, and other isolates drop their values', async () => {
    const world = new World()
    const [mine, other] = [world.isolate().cache, world.isolate().cache]
    await mine.set(KEY, 1)
    await world.settle()
    expect(await other.get(KEY)).toBe(1)
    await mine.setMany([
      [KEY, 2],
      ['content:n:2', 3],
    ])
    expect(patternsLogged(world)).toEqual([
      ['cache.set', [KEY]],
      ['cache.set', [KEY, 'content:n:2']],
    ])
    expect([await mine.get(KEY), await mine.get('content:n:2')]).toEqual([2, 3])
    await world.runtime.advance(5001)
    expect([await other.get(KEY), await other.get('content:n:2')]).toEqual([2, 3])
  })

  it('with a stamp log nothing, and hold only if nothing was invalidated since', async () => {
    const world = new World()
    const { cache, isolate } = world.isolate()
    await isolate.refresher.run(world.io())
    const stamp = isolate.fence.head
    await cache.set(KEY, 1, { stamp, tags: ['a:b'] })
    expect([await cache.get(KEY), patternsLogged(world)]).toEqual([1, []])
    await cache.invalidate('a:*')
    await cache.set(KEY, 2, { stamp, tags: ['a:b'] })
    expect(await cache.get(KEY)).toBe(null)
  })

  it('hand out a bookmark that has seen the write', async () => {
    const world = new World()
    world.logMany(1500)
    const { cache } = world.isolate()
    await cache.set(KEY, 1)
    expect((await cache.getWithSource(KEY))?.bookmark).toBe(`${world.epoch}.1501`)
  })

  it.each(['content:*', '*', 'content', ''])('refuse %j before they have logged anything', async (key) => {
    const world = new World()
    const { cache } = world.isolate()
    await expect(
      cache.setMany([
        [KEY, 1],
        [key, 1],
      ]),
    ).rejects.toThrow('is no key')
    expect(patternsLogged(world)).toEqual([])
  })

  it('where the cache is off are logged all the same, and kept nowhere', async () => {
    const world = new World()
    const { cache, isolate } = world.isolate({ env: { CACHE_ENABLED: 'false' } })
    await cache.set(KEY, 1)
    await world.settle()
    expect([patternsLogged(world), isolate.memory.entries, world.kv.writes]).toEqual([
      [['cache.set', [KEY]]],
      0,
      0,
    ])
  })

  it('of nothing are nothing', async () => {
    const world = new World()
    await world.isolate().cache.setMany([])
    expect(patternsLogged(world)).toEqual([])
  })
})

describe('one tier at a time', () => {
  it('keeps and gives values of memory and of KV', async () => {
    const world = new World()
    const { cache, isolate } = world.isolate()
    await isolate.refresher.run(world.io())
    cache.setInMemory(KEY, 'm', { stamp: 0 })
    expect([cache.getFromMemory(KEY), await cache.getFromKV(KEY)]).toEqual(['m', null])
    await cache.setInKV(KEY, 'k', { stamp: 0 })
    expect([cache.getFromMemory(KEY), await cache.getFromKV(KEY)]).toEqual(['m', 'k'])
  })

  it('gives nothing that is dead, or invalid by the fence at hand', async () => {
    const world = new World()
    const { cache, isolate } = world.isolate()
    await isolate.refresher.run(world.io())
    cache.setInMemory(KEY, 1, { stamp: 0 })
    await world.runtime.advance(3600_000 * 1.1)
    expect(cache.getFromMemory(KEY)).toBe(null)
    cache.setInMemory(KEY, 1, { stamp: 0 })
    await cache.delete(KEY)
    expect(cache.getFromMemory(KEY)).toBe(null)
  })

  it('keeps nothing before there is a fence, and nothing in a tier that the policy leaves out', async () => {
    const world = new World()
    const { cache, isolate } = world.isolate()
    cache.setInMemory(KEY, 1, { stamp: 0 })
    await cache.setInKV(KEY, 1, { stamp: 0 })
    expect([isolate.memory.entries, world.kv.writes]).toEqual([0, 0])
    await isolate.refresher.run(world.io())
    await cache.setInKV('session:token:1', 1, { stamp: 0 })
    expect([world.kv.writes, await cache.getFromKV('session:token:1')]).toEqual([0, null])
  })

  it('keeps null as not found, which is no value', async () => {
    const world = new World()
    const { cache, isolate } = world.isolate()
    await isolate.refresher.run(world.io())
    cache.setInMemory(KEY, null, { stamp: 0 })
    await cache.setInKV(KEY, null, { stamp: 0 })
    expect([cache.getFromMemory(KEY), (await cache.getWithSource(KEY))?.found]).toEqual([null, false])
    expect(world.kv.writes).toBe(0)
  })
})

describe('delete and deleteMany', () => {
  it('invalidate keys everywhere, and nothing else', async () => {
    const world = new World()
    const [mine, other] = [world.isolate().cache, world.isolate().cache]
    for (const n of [1, 2, 3]) await mine.set(`content:n:${n}`, n)
    await world.settle()
    await other.getMany(['content:n:1', 'content:n:2', 'content:n:3'])
    expect((await mine.delete('content:n:1')).bookmark).toBe(`${world.epoch}.4`)
    await mine.deleteMany(['content:n:2'])
    await world.runtime.advance(5001)
    for (const cache of [mine, other]) {
      const keys = ['content:n:1', 'content:n:2', 'content:n:3']
      expect([...(await cache.getMany(keys))]).toEqual([['content:n:3', 3]])
    }
  })

  it.each(['content:*', '*', 'content'])('refuse %j: what is no key would be a pattern', async (key) => {
    const world = new World()
    await expect(world.isolate().cache.deleteMany([KEY, key])).rejects.toThrow('is no key')
    expect(patternsLogged(world)).toEqual([])
  })
})

describe('invalidate and clear', () => {
  async function filled() {
    const world = new World()
    const { cache } = world.isolate()
    for (const key of ['content:n:1', 'content:m:1', 'user:n:1']) await cache.set(key, key)
    const left = async () => [...(await cache.getMany(['content:n:1', 'content:m:1'])).keys()]
    return { world, cache, left }
  }

  it('drop what a pattern matches', async () => {
    const { cache, left } = await filled()
    await cache.invalidate('content:n:*')
    expect([await left(), await cache.get('user:n:1')]).toEqual([['content:m:1'], 'user:n:1'])
  })

  it('drop a namespace, or everything', async () => {
    const { cache, left } = await filled()
    await cache.clear('content')
    expect([await left(), await cache.get('user:n:1')]).toEqual([[], 'user:n:1'])
    await cache.clear()
    expect(await cache.get('user:n:1')).toBe(null)
  })

  it('take a namespace for a name, not for a pattern', async () => {
    const { cache, left } = await filled()
    await cache.clear('*')
    await cache.clear('content:n')
    expect(await left()).toEqual(['content:n:1', 'content:m:1'])
    await expect(cache.clear('')).rejects.toThrow(PatternError)
  })

  it('are one row in the log each, also where the cache is off', async () => {
    const world = new World()
    const { cache } = world.isolate({ env: { CACHE_ENABLED: 'false' } })
    await cache.invalidate('content:n:*')
    await cache.clear('user')
    await cache.clear()
    expect(patternsLogged(world)).toEqual([
      ['cache.invalidate', ['content:n:*']],
      ['cache.clear', ['user:*']],
      ['cache.clear', ['*']],
    ])
  })

  it('tell the consumer what has to leave KV as well', async () => {
    const world = new World()
    const { cache } = world.isolate()
    await cache.invalidate('content:n:*')
    await cache.invalidate('content:n:*', { hard: true })
    await cache.clear('user')
    await cache.delete('content:n:1')
    const rows = world.d1.sqlite.prepare('SELECT payload FROM invalidation_log ORDER BY seq').all()
    const payloads = [
      { patterns: ['content:n:*'] },
      { patterns: ['content:n:*'], hard: true },
      { patterns: ['user:*'], hard: true },
      { patterns: ['content:n:1'] },
    ]
    expect(rows.map((row) => JSON.parse(String(row.payload)))).toEqual(payloads)
    expect(world.events.sent).toMatchObject(payloads.map((payload) => ({ v: 1, payload })))
  })

  it.each(['', 'a::b', 'a:b*', 'a\nb'])('refuse the pattern %j', async (pattern) => {
    const { cache } = new World().isolate()
    await expect(cache.invalidate(pattern)).rejects.toThrow(PatternError)
  })

  it('say so when D1 fails', async () => {
    const world = new World()
    world.d1.before = () => {
      throw new Error('D1 down')
    }
    await expect(world.isolate().cache.clear()).rejects.toThrow('D1 down')
  })
})

describe('getMany and warmCache', () => {
  it('read keys of several namespaces, each by its own policy', async () => {
    const world = new World()
    const { cache } = world.isolate()
    const keys = ['session:token:1', 'content:n:1', 'user:n:1']
    for (const key of keys) await cache.set(key, key)
    await world.settle()
    expect([...(await cache.getMany(keys)).keys()].sort()).toEqual([...keys].sort())
    // Sessions are never in KV.
    const other = world.isolate()
    expect([...(await other.cache.getMany(keys)).keys()].sort()).toEqual(['content:n:1', 'user:n:1'])
    expect(await other.cache.warmCache(keys)).toBe(2)
    expect(other.cache.getStats().kv.errors).toBe(0)
  })

  it('answer with what they can prove while D1 fails for the shorter Δ of another namespace', async () => {
    const world = new World()
    const { cache } = world.isolate()
    await cache.set('content:n:1', 1)
    await cache.set('session:token:1', 2)
    await world.runtime.advance(2000)
    world.d1.before = () => {
      throw new Error('D1 down')
    }
    const found = await cache.getMany(['content:n:1', 'session:token:1'])
    expect([...found.keys()]).toEqual(['content:n:1'])
  })

  it('honour a bookmark', async () => {
    const world = new World()
    const [mine, other] = [world.isolate().cache, world.isolate().cache]
    await mine.set(KEY, 1)
    await world.settle()
    await other.getMany([KEY])
    const { bookmark } = await mine.delete(KEY)
    expect((await other.getMany([KEY])).size).toBe(1)
    expect((await other.getMany([KEY], { bookmark })).size).toBe(0)
  })
})

describe('writeAndRead', () => {
  it('gives the value after the write, in its transaction, and keeps it for the next reader', async () => {
    const world = new World()
    world.plant('1', 'old')
    const { cache } = world.isolate()
    await cache.read(post)
    world.queries()
    let batches = 0
    world.d1.before = () => {
      batches++
    }
    const { write, read } = await cache.writeAndRead([world.retitle('1', 'new')], post)
    expect([read.value()?.title, read.outcome, read.source]).toEqual(['new', 'MISS', 'database'])
    expect(read.bookmark).toBe(write.bookmark)
    const next = await cache.read(post)
    expect([next.outcome, next.value()?.title, batches]).toEqual(['HIT', 'new', 1])
    await world.settle()
    expect((await world.isolate().cache.read(post)).source).toBe('kv')
  })

  it('keeps the value that a write whose guard failed has read', async () => {
    const world = new World()
    world.plant('1', 'old')
    const { cache } = world.isolate()
    const { write, read } = await cache.writeAndRead([world.retitle('2', 'new')], post)
    expect([write.bookmark, read.value()?.title]).toEqual([null, 'old'])
    expect((await cache.read(post)).outcome).toBe('HIT')
  })

  it('keeps nothing where the cache is off', async () => {
    const world = new World()
    world.plant('1', 'old')
    const { cache, isolate } = world.isolate({ env: { CACHE_ENABLED: 'false' } })
    const { read } = await cache.writeAndRead([world.retitle('1', 'new')], post)
    expect([read.value()?.title, isolate.memory.entries]).toEqual(['new', 0])
  })
})

describe('getStats', () => {
  it('tells what this isolate has counted, and what state it is in', async () => {
    const world = new World()
    world.plant('1', 'first')
    const { cache } = world.isolate()
    expect(cache.getStats().fence).toEqual({ epoch: null, head: 0, floor: 0, patterns: 0, ageMs: null })
    await cache.read(post)
    await cache.read(post)
    await world.settle()
    await world.runtime.advance(100)
    expect(cache.getStats()).toEqual({
      namespaces: {
        content: {
          memoryHits: 1,
          kvHits: 0,
          misses: 1,
          stale: 0,
          bypasses: 0,
          loads: 1,
          loadMs: 0,
          loadErrors: 0,
          loadBytes: 26,
          loadRows: 0,
          invalidByFence: 0,
          reloadedSame: 0,
          expired: 0,
          warmedHits: 0,
          evictions: 0,
          refused: 0,
          kvReads: 1,
          kvWrites: 1,
          kvBytes: 0,
          hitRate: 0.5,
        },
      },
      total: expect.objectContaining({ memoryHits: 1, hitRate: 0.5 }),
      memory: { entries: 1, bytes: expect.any(Number), evictions: 0, refused: 0 },
      kv: { reads: 2, shared: 0, writes: 1, errors: 0, garbage: 0, dropped: 0, open: false },
      d1: { queries: 3, batches: 2, errors: 0, refreshes: 1, rowsRead: 0, rowsWritten: 0, open: false },
      fence: { epoch: world.epoch, head: 0, floor: 0, patterns: 0, ageMs: 100 },
    })
  })

  it('counts what memory refuses', async () => {
    const world = new World()
    const { cache } = world.isolate({ env: { CACHE_MAX_MEMORY_SIZE: '1' } })
    await cache.set(KEY, 'x'.repeat(60_000))
    expect(cache.getStats().memory).toMatchObject({ refused: 1, entries: 0 })
    await world.settle()
    expect((await cache.getWithSource(KEY))?.source).toBe('kv')
  })
})

describe('query', () => {
  it('asks D1 past the cache, and is given up as any read of D1 is', async () => {
    const world = new World()
    world.plant('1', 'old')
    const { cache } = world.isolate()
    await cache.read(post)
    world.plant('1', 'new')
    expect(await cache.query(post.load(world.db))).toEqual({ id: '1', title: 'new' })
    expect(await cache.query(posts.at({ id: '2' }).load(world.db))).toBe(null)
    world.d1.before = () => new Promise(() => {})
    const hanging = cache.query(post.load(world.db)).catch((error: unknown) => error)
    await world.runtime.advance(3000)
    expect(await hanging).toBeInstanceOf(DatabaseUnavailableError)
  })
})

describe('the database of a service', () => {
  it('is the request’s, counted', async () => {
    const world = new World()
    const { isolate } = world.isolate()
    const cache = new CacheService(isolate, world.io())
    await cache.db.batch([cache.db.prepare('SELECT 1'), cache.db.prepare('SELECT 2')])
    expect(cache.getStats().d1).toMatchObject({ queries: 2, batches: 1 })
  })
})

describe('a read that needs D1 while it fails', () => {
  it('says so', async () => {
    const world = new World()
    const { cache } = world.isolate()
    world.d1.before = () => {
      throw new Error('D1 down')
    }
    await expect(cache.read(post)).rejects.toThrow(DatabaseUnavailableError)
    expect(await cache.get(KEY)).toBe(null)
  })
})
