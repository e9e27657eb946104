import { describe, expect, it } from 'vitest'
import { posts, World } from '../../test/world.ts'
import type { Isolate } from '../isolate.ts'
import { DatabaseUnavailableError } from '../sql.ts'
import type { Freshness } from './fence.ts'
import { buildSnapshot, SNAPSHOT_NAME, writeSnapshot } from './snapshot.ts'

const post = posts.at({ id: '1' })

function needOf(isolate: Isolate, overrides: Partial<Freshness> = {}): Freshness {
  return {
    ordinal: isolate.nextOrdinal(),
    startedAt: isolate.runtime.now(),
    maxStalenessMs: 5000,
    minSeq: 0,
    ...overrides,
  }
}

/** Holds every batch of D1 back until it is told to let go. */
function gate(world: World): () => void {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  world.d1.before = () => opened
  return () => {
    world.d1.before = null
    open()
  }
}

async function storeSnapshot(world: World): Promise<void> {
  const snapshot = await buildSnapshot(world.db)
  if (snapshot === null) throw new Error('an empty log has no snapshot')
  await writeSnapshot(world.kv, snapshot, world.runtime.now())
}

describe('joining a refresh', () => {
  it('makes one query for many readers', async () => {
    const world = new World()
    const { isolate } = world.isolate()
    const open = gate(world)
    const readers = Array.from({ length: 20 }, () => isolate.refresher.refresh(needOf(isolate), world.io()))
    await world.settle()
    open()
    await Promise.all(readers)
    expect(world.queries()).toBe(1)
    expect(isolate.fence.isFresh(needOf(isolate))).toBe(true)
  })

  it('is not for a strong reader of one sent before it, but of one sent after it', async () => {
    const world = new World()
    const { isolate } = world.isolate()
    await isolate.refresher.run(world.io())
    world.queries()
    const early = needOf(isolate, { maxStalenessMs: 0 })
    const open = gate(world)
    const first = isolate.refresher.run(world.io())
    const late = needOf(isolate, { maxStalenessMs: 0 })
    const readers = [early, late].map((need) => isolate.refresher.refresh(need, world.io()))
    await world.settle()
    open()
    await Promise.all([first, ...readers])
    expect(world.queries()).toBe(2)
    expect(isolate.fence.isFresh(early) && isolate.fence.isFresh(late)).toBe(true)
  })

  it('does not even wait for one that is of no use to it', async () => {
    const world = new World()
    const { isolate } = world.isolate()
    await isolate.refresher.run(world.io())
    const open = gate(world)
    void isolate.refresher.run(world.io())
    await world.settle()
    world.d1.before = null
    const need = needOf(isolate, { maxStalenessMs: 0 })
    await isolate.refresher.refresh(need, world.io())
    expect(isolate.fence.isFresh(need)).toBe(true)
    open()
  })

  it('is not for a bounded reader of one that was sent too long ago', async () => {
    const world = new World()
    const { isolate } = world.isolate()
    await isolate.refresher.run(world.io())
    await world.runtime.advance(10_000)
    world.queries()
    const open = gate(world)
    const first = isolate.refresher.run(world.io())
    await world.runtime.advance(2000)
    const second = isolate.refresher.refresh(needOf(isolate, { maxStalenessMs: 1000 }), world.io())
    await world.settle()
    open()
    await Promise.all([first, second])
    expect(world.queries()).toBe(2)
  })

  it('does not do for a bookmark that it did not reach', async () => {
    const world = new World()
    const { isolate } = world.isolate()
    await isolate.refresher.run(world.io())
    let answer = () => {}
    world.d1.after = () => new Promise<void>((resolve) => (answer = resolve))
    const first = isolate.refresher.run(world.io())
    await world.settle()
    const seq = world.logElsewhere(['a'])
    const second = isolate.refresher.refresh(needOf(isolate, { minSeq: seq }), world.io())
    await world.settle()
    world.d1.after = null
    answer()
    await Promise.all([first, second])
    expect(isolate.fence.head).toBe(seq)
  })

  it('has a timer of its own: one that died with its request holds nobody up', async () => {
    const world = new World()
    const { isolate } = world.isolate()
    world.d1.before = () => new Promise(() => {})
    void isolate.refresher.run(world.io()).catch(() => {})
    await world.settle()
    const follower = isolate.refresher.refresh(needOf(isolate), world.io())
    await world.settle()
    world.d1.before = null
    await world.runtime.advance(1000)
    await follower
    expect(isolate.fence.isFresh(needOf(isolate))).toBe(true)
  })

  it('is held by the request that sent it, which may have been answered by then', async () => {
    const world = new World()
    const { isolate } = world.isolate()
    const open = gate(world)
    void isolate.refresher.run(world.io())
    await world.settle()
    let isDone = false
    void Promise.all(world.background.promises).then(() => {
      isDone = true
    })
    await world.settle()
    expect(isDone).toBe(false)
    open()
    await world.settle()
    expect(isDone).toBe(true)
  })

  it('shares its failure with those who waited, and with nobody after them', async () => {
    const world = new World()
    const { isolate } = world.isolate()
    let asked = 0
    world.d1.before = async () => {
      asked++
      await world.settle()
      throw new Error('overloaded')
    }
    const readers = Array.from({ length: 10 }, () => isolate.refresher.refresh(needOf(isolate), world.io()))
    const results = await Promise.allSettled(readers)
    expect(results.every((result) => result.status === 'rejected')).toBe(true)
    await expect(readers[3]).rejects.toThrow(DatabaseUnavailableError)
    expect(asked).toBe(1)
    world.d1.before = null
    await isolate.refresher.refresh(needOf(isolate), world.io())
    expect(isolate.fence.isFresh(needOf(isolate))).toBe(true)
  })
})

describe('a cold start', () => {
  it('is one for all: one snapshot read, one query', async () => {
    const world = new World()
    const { cache } = world.isolate()
    const reads = Array.from({ length: 10 }, (_, i) => cache.getWithSource(`content:post:${i}`))
    await Promise.all(reads)
    expect(world.kv.reads).toBe(2)
    expect(world.queries()).toBe(1)
  })

  it('begins at the snapshot, so that a long log costs one page', async () => {
    const world = new World()
    world.logMany(3000)
    await storeSnapshot(world)
    world.logElsewhere(['content:post:1'])
    const { isolate } = world.isolate()
    world.queries()
    await isolate.refresher.run(world.io())
    expect(world.queries()).toBe(1)
    expect([isolate.fence.head, isolate.fence.floor, isolate.fence.size]).toEqual([3001, 0, 3001])
  })

  it('reads the snapshot once, though D1 has to be asked again', async () => {
    const world = new World()
    world.logElsewhere(['a'])
    await storeSnapshot(world)
    const { isolate } = world.isolate()
    world.d1.before = () => {
      throw new Error('D1 down')
    }
    for (let i = 0; i < 2; i++) await isolate.refresher.run(world.io()).catch(() => {})
    world.d1.before = null
    for (let i = 0; i < 2; i++) await isolate.refresher.run(world.io())
    expect([world.kv.reads, isolate.getStats().kv.reads, isolate.getStats().d1.refreshes]).toEqual([1, 1, 4])
  })

  it('begins at the snapshot also after a write that brought the first page of the log along', async () => {
    const world = new World()
    world.plant('1', 'first')
    await world.isolate().cache.read(post)
    await world.settle()
    world.logMany(7000)
    await storeSnapshot(world)
    const { cache, isolate } = world.isolate()
    await cache.invalidate('content:other:1')
    expect((await cache.read(post)).source).toBe('kv')
    expect([isolate.fence.floor, isolate.fence.head]).toEqual([0, 7001])
  })

  it('without a snapshot reads the whole log', async () => {
    const world = new World()
    world.logMany(2500)
    const { isolate } = world.isolate()
    world.queries()
    await isolate.refresher.run(world.io())
    expect(world.queries()).toBe(3)
    expect([isolate.fence.head, isolate.fence.floor, isolate.fence.size]).toEqual([2500, 0, 2500])
  })

  it('gives up a log that is too long, and trusts nothing older than its head', async () => {
    const world = new World()
    world.logMany(6000)
    const { isolate } = world.isolate()
    world.queries()
    await isolate.refresher.run(world.io())
    expect(world.queries()).toBe(5)
    expect([isolate.fence.head, isolate.fence.floor]).toEqual([6000, 6000])
    expect(isolate.fence.isFresh(needOf(isolate))).toBe(true)
  })

  it.each(['{', '', '{"schema":1}'])('reads the log where the snapshot is garbage: %j', async (garbage) => {
    const world = new World()
    await world.kv.put(SNAPSHOT_NAME, garbage, { expirationTtl: 60, metadata: {} })
    world.logElsewhere(['a'])
    const { isolate } = world.isolate()
    await isolate.refresher.run(world.io())
    expect([isolate.fence.head, isolate.fence.size]).toEqual([1, 1])
  })

  it('waits half a second for a snapshot that hangs; late, it does no harm', async () => {
    const world = new World()
    world.logMany(10, `'content:post:1'`)
    await storeSnapshot(world)
    world.logElsewhere(['content:post:2'])
    let open = () => {}
    world.kv.before = () => new Promise<void>((resolve) => (open = resolve))
    const { isolate } = world.isolate()
    const starting = isolate.refresher.run(world.io())
    await world.runtime.advance(499)
    expect(isolate.fence.epoch).toBe(null)
    await world.runtime.advance(1)
    await starting
    expect(isolate.fence.head).toBe(11)
    open()
    await world.settle()
    expect([isolate.fence.head, isolate.fence.floor, isolate.fence.generation('content:post:1')]).toEqual([
      11, 0, 10,
    ])
    expect(isolate.getStats().kv.errors).toBe(1)
  })

  it('takes a snapshot that comes between the question and its answer', async () => {
    const world = new World()
    world.logElsewhere(['content:post:1'])
    await storeSnapshot(world)
    let open = () => {}
    world.kv.before = () => new Promise<void>((resolve) => (open = resolve))
    const { isolate } = world.isolate()
    const starting = isolate.refresher.run(world.io())
    const openD1 = gate(world)
    await world.runtime.advance(500)
    open()
    await world.settle()
    expect(isolate.fence.epoch).toBe(world.epoch)
    openD1()
    await starting
    expect(isolate.fence.isFresh(needOf(isolate))).toBe(true)
  })

  it.each([
    ['KV errors', {}, {}],
    ['KV is switched off', { CACHE_KV_ENABLED: 'false' }, {}],
    ['no KV is bound', {}, { kv: null }],
  ])('does without a snapshot where %s', async (_, env, io) => {
    const world = new World()
    world.kv.before = () => {
      throw new Error('KV GET failed: 500')
    }
    world.logElsewhere(['a'])
    const { isolate } = world.isolate({ env })
    await isolate.refresher.run(world.io(io))
    expect(isolate.fence.head).toBe(1)
  })

  it('of another epoch than the log is adopted away', async () => {
    const world = new World()
    world.logElsewhere(['a'])
    await storeSnapshot(world)
    world.d1.exec(`UPDATE invalidation_state SET epoch = 'feed'`)
    const { isolate } = world.isolate()
    await isolate.refresher.run(world.io())
    expect([isolate.fence.epoch, isolate.fence.floor]).toEqual(['feed', 1])
  })

  it('from the snapshot of a log that was since restored finds that out', async () => {
    const world = new World()
    world.plant('1', 'old')
    const restore = world.backup()
    const { epoch } = world
    world.writeElsewhere('1', 'new')
    await world.isolate().cache.read(post)
    await storeSnapshot(world)
    restore()
    expect((await world.isolate().cache.read(post)).value()?.title).toBe('old')
    expect(world.epoch).not.toBe(epoch)
  })
})

describe('a new epoch', () => {
  it('empties the memory of an isolate that finds it by a load', async () => {
    const world = new World()
    world.plant('1', 'first')
    const { cache, isolate } = world.isolate({ keepsFresh: false, io: { kv: null } })
    await cache.read(post)
    world.d1.exec(`UPDATE invalidation_state SET epoch = 'feed'`)
    await world.runtime.advance(10_000)
    await cache.read(posts.at({ id: '2' }))
    expect([isolate.fence.epoch, isolate.memory.entries]).toEqual(['feed', 1])
  })

  it('that never comes to rest is given up after ten queries', async () => {
    const world = new World()
    const { isolate } = world.isolate()
    await isolate.refresher.run(world.io())
    world.d1.exec(`UPDATE invalidation_state SET epoch = 'feed'`)
    world.queries()
    // As if another own write were answered between each question and its answer.
    world.d1.after = () => isolate.fence.noteWrite()
    await isolate.refresher.run(world.io())
    expect([world.queries(), isolate.fence.epoch === 'feed']).toEqual([10, false])
  })
})

describe('a restored database', () => {
  it('moves the epoch exactly once, whoever finds it, and nothing from before is served again', async () => {
    const world = new World()
    world.plant('1', 'old')
    world.logElsewhere(['content:post:9'])
    const restore = world.backup()
    const before = world.epoch
    world.writeElsewhere('1', 'new')
    const isolates = [world.isolate(), world.isolate()]
    for (const { cache } of isolates) expect((await cache.read(post)).value()?.title).toBe('new')
    await world.settle()
    restore()
    await world.runtime.advance(5001)
    const read = await Promise.all(isolates.map(({ cache }) => cache.read(post)))
    expect(read.map((result) => result.value()?.title)).toEqual(['old', 'old'])
    expect(world.epoch).not.toBe(before)
    expect(new Set(isolates.map(({ isolate }) => isolate.fence.epoch))).toEqual(new Set([world.epoch]))
    expect(world.d1.log.filter((sql) => sql.startsWith('UPDATE invalidation_state')).length).toBeGreaterThan(
      0,
    )
    const { epoch } = world
    await world.runtime.advance(60_000)
    for (const { cache } of isolates) await cache.read(post)
    expect(world.epoch).toBe(epoch)
  })

  it('is found by a load, which keeps nothing that it brought', async () => {
    const world = new World()
    const { cache, isolate } = world.isolate()
    world.plant('1', 'old')
    const restore = world.backup()
    world.writeElsewhere('2', 'new')
    await cache.read(posts.at({ id: '2' }))
    restore()
    const { epoch } = world
    expect((await cache.read(post)).value()?.title).toBe('old')
    await world.settle()
    expect(world.epoch).not.toBe(epoch)
    expect([isolate.fence.epoch, isolate.memory.entries]).toEqual([world.epoch, 0])
  })

  it('is found by a write, whose own effect is seen all the same', async () => {
    const world = new World()
    world.plant('1', 'first')
    const restore = world.backup()
    const { cache, isolate } = world.isolate()
    for (let i = 0; i < 5; i++) await cache.write([world.retitle('1', `title ${i}`)])
    await cache.read(post)
    restore()
    await cache.write([world.retitle('1', 'mine')])
    expect((await cache.read(post)).value()?.title).toBe('mine')
    await world.settle()
    expect(isolate.fence.epoch).toBe(world.epoch)
    expect((await cache.read(post)).value()?.title).toBe('mine')
  })

  it('restored twice, to before the first time, moves the epoch again', async () => {
    const world = new World()
    world.plant('1', 'old')
    const restore = world.backup()
    const first = world.epoch
    const { cache } = world.isolate()
    world.writeElsewhere('1', 'new')
    await cache.read(post)
    await world.settle()
    restore()
    await world.runtime.advance(5001)
    await cache.read(post)
    world.writeElsewhere('1', 'newer')
    restore()
    expect(world.epoch).toBe(first)
    await world.runtime.advance(5001)
    expect((await cache.read(post)).value()?.title).toBe('old')
    expect(world.epoch).not.toBe(first)
  })

  it('whose epoch cannot be moved makes reads fail as an unavailable one does', async () => {
    const world = new World()
    const restore = world.backup()
    const { cache } = world.isolate()
    world.writeElsewhere('1', 'new')
    await cache.read(posts.at({ id: '1' }))
    restore()
    world.d1.before = ([statement]) => {
      if (statement?.sql.startsWith('UPDATE')) throw new Error('read only')
    }
    await world.runtime.advance(5001)
    expect(await cache.get('content:post:1')).not.toBe(null)
    await expect(cache.get('content:post:1', { maxStalenessMs: 0 })).resolves.toBe(null)
  })
})
