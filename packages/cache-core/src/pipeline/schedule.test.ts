import { describe, expect, it } from 'vitest'
import { CONFIGS, posts, World } from '../../test/world.ts'
import { readSnapshot, SNAPSHOT_NAME } from '../fence/snapshot.ts'
import { quarantine } from './dead-letters.ts'
import { refreshSnapshot, runSchedule, type ScheduleDeps } from './schedule.ts'

function bench() {
  const world = new World()
  const reports: Record<string, unknown>[] = []
  let warmed = 0
  const full: boolean[] = []
  const slow: boolean[] = []
  const deps: ScheduleDeps = {
    db: world.db,
    kv: world.kv,
    events: world.events,
    configs: CONFIGS,
    warmHourUtc: 3,
    foldedPlaces: 1_024,
    warm: async (isFull, isSlow) => {
      full.push(isFull)
      slow.push(isSlow)
      return ++warmed
    },
    runtime: world.runtime,
    report: (record) => reports.push(record),
  }
  const run = (overrides: Partial<ScheduleDeps> = {}, minute = 1) =>
    runSchedule(minute * 60_000, { ...deps, ...overrides })
  const steps = () => reports.splice(0).map(({ step, result }) => [step, result])
  return { world, reports, deps, run, steps, full, slow, warmed: () => warmed }
}

const snapshotOf = (world: World) =>
  refreshSnapshot({ db: world.db, kv: world.kv, foldedPlaces: 1_024, now: world.runtime.now })

describe('the work of one minute', () => {
  it('relays, prunes and keeps the snapshot; each fifth minute it warms as well', async () => {
    const { world, run, steps, warmed } = bench()
    world.logElsewhere(['a'])
    await world.runtime.advance(30_000)
    await run({}, 4)
    expect(steps()).toEqual([
      ['relay', 1],
      ['prune', 0],
      ['snapshot', 'written'],
      ['statistics', 0],
      ['release', 'done'],
    ])
    await run({}, 5)
    expect(steps().slice(4)).toEqual([
      ['warm', 1],
      ['forget', 0],
      ['release', 'done'],
    ])
    for (let minute = 6; minute < 16; minute++) await run({}, minute)
    expect(warmed()).toBe(3)
  })

  it('goes on where a part of it hangs', async () => {
    const { world, run, reports } = bench()
    world.kv.before = () => new Promise<void>(() => {})
    const running = expect(run()).rejects.toThrow('snapshot took over 60000 ms')
    await world.runtime.advance(60_000)
    await running
    expect(reports.map(({ step }) => step)).toEqual([
      'relay',
      'prune',
      'snapshot failed',
      'statistics',
      'release',
    ])
  })

  it('goes on where a part of it fails, says so, and fails itself when all had their turn', async () => {
    const { world, run, reports } = bench()
    world.logElsewhere(['a'])
    await world.runtime.advance(30_000)
    world.events.fails = true
    const warm = async () => {
      throw new Error('warm queue overloaded')
    }
    await expect(run({ warm }, 5)).rejects.toThrow('queue overloaded')
    expect(reports.map(({ step, error }) => [step, error])).toEqual([
      ['relay failed', 'Error: queue overloaded'],
      ['prune', undefined],
      ['snapshot', undefined],
      ['statistics', undefined],
      ['warm failed', 'Error: warm queue overloaded'],
      ['forget', undefined],
      ['release', undefined],
    ])
    expect(await readSnapshot(world.kv)).not.toBe(null)
  })

  it('fails as a whole where D1 does: no part could do anything', async () => {
    const { world, run, reports } = bench()
    world.d1.before = () => {
      throw new Error('D1 down')
    }
    await expect(run()).rejects.toThrow('D1 down')
    expect(reports).toEqual([])
  })

  it('is left alone while another run is still at it, and taken over from one that died', async () => {
    const { world, run, steps } = bench()
    let release = () => {}
    const warm = () => new Promise<number>((resolve) => (release = () => resolve(0)))
    // Of one that died, no timer comes either.
    const slow = run({ warm, runtime: { ...world.runtime, setTimeout: () => 0 } }, 5)
    await world.settle()
    steps()
    await run({}, 6)
    expect(steps()).toEqual([['schedule skipped', 'another run is still at it']])
    await world.runtime.advance(5 * 60_000)
    await run({}, 11)
    expect(steps().length).toBeGreaterThan(1)
    release()
    await slow
    await run({}, 12)
    expect(steps().length).toBeGreaterThan(1)
  })

  it('tells the warm batch when D1 takes long over one row', async () => {
    const { world, run, slow } = bench()
    await run({}, 5)
    let isFirst = true
    world.d1.before = async () => {
      if (isFirst) world.runtime.time += 1_001
      isFirst = false
    }
    await run({}, 10)
    expect(slow).toEqual([false, true])
  })

  it('warms everything anew once in its hour of the day', async () => {
    const { world, run, full } = bench()
    // One that sends nothing, or fails, leaves it to the next.
    const nothing = async (isFull: boolean) => {
      full.push(isFull)
      return 0
    }
    await run({ warm: nothing }, 180)
    await expect(run({ warm: () => Promise.reject(new Error('queue overloaded')) }, 180)).rejects.toThrow(
      'queue overloaded',
    )
    expect(full.splice(0)).toEqual([true])
    for (const minute of [175, 180, 185, 190, 240]) {
      await run({}, minute)
      await world.runtime.advance(5 * 60_000)
    }
    expect(full).toEqual([false, true, false, false, false])
    await world.runtime.advance(20 * 3_600_000)
    await run({ warmHourUtc: null }, 180 + 1440)
    await run({}, 180 + 1440)
    expect(full.slice(5)).toEqual([false, true])
  })
})

describe('the statistics', () => {
  it('are rolled up once an hour is over, with how much has waited in the queue', async () => {
    const { world, run, steps } = bench()
    world.events.metrics = async () => ({ backlogCount: 7 })
    await run()
    await run()
    await world.runtime.advance(70 * 60_000)
    delete world.events.metrics
    await run()
    await run()
    expect(
      steps()
        .filter(([step]) => step === 'statistics')
        .map(([, changes]) => changes),
    ).toEqual([1, 1, 1, 0])
    expect(world.d1.one('SELECT sums FROM statistics WHERE step = 3600')).toEqual({
      sums: '{"backlogSamples":2,"backlogSum":14}',
    })
  })
})

it('dead letters are counted by their minute, once, and stay counted when somebody replays them', async () => {
  const { world, run } = bench()
  const now = world.runtime.now()
  const letter = (id: string, queue: string, at: number) =>
    quarantine(world.db, queue, { id, body: {}, attempts: 1 }, 'x', at)
  await world.db.batch([
    letter('a', 'cache-events', now),
    letter('b', 'POST /events', now),
    letter('c', 'cache-warm-low', now - 60_000),
    letter('d', 'cache-events', now - 3_600_000),
  ])
  await run()
  world.d1.exec("DELETE FROM dead_letters WHERE id = 'a'")
  await run()
  const rows = world.d1.sqlite.prepare('SELECT minute, name, value FROM pipeline_counts ORDER BY name').all()
  const minute = Math.floor(now / 60_000)
  expect(rows.map((row) => ({ ...row }))).toEqual([
    { minute, name: 'events.dead', value: 2 },
    { minute: minute - 1, name: 'jobs.dead', value: 1 },
  ])
})

describe('the snapshot', () => {
  it('is written when the head has moved, and not for an empty log', async () => {
    const world = new World()
    expect(await snapshotOf(world)).toBe('empty log')
    world.logElsewhere(['a'])
    expect(await snapshotOf(world)).toBe('written')
    expect((await readSnapshot(world.kv))?.head).toBe(1)
    await world.runtime.advance(3600_000)
    expect(await snapshotOf(world)).toBe('unchanged')
  })

  it('is written every two minutes at most', async () => {
    const world = new World()
    world.logElsewhere(['a'])
    await snapshotOf(world)
    world.logElsewhere(['b'])
    await world.runtime.advance(119_999)
    expect(await snapshotOf(world)).toBe('recent')
    await world.runtime.advance(1)
    expect(await snapshotOf(world)).toBe('written')
  })

  it('is written sooner only when over 2,000 rows lie past it', async () => {
    const world = new World()
    world.logElsewhere(['a'])
    await snapshotOf(world)
    world.logMany(2000)
    expect(await snapshotOf(world)).toBe('recent')
    world.logElsewhere(['b'])
    expect(await snapshotOf(world)).toBe('written')
  })

  it('is written at once in a new epoch, and again when it is gone or garbage', async () => {
    const world = new World()
    world.logElsewhere(['a'])
    await snapshotOf(world)
    world.d1.exec(`UPDATE invalidation_state SET epoch = 'feed'`)
    expect(await snapshotOf(world)).toBe('written')
    expect((await readSnapshot(world.kv))?.epoch).toBe('feed')
    world.kv.entries.clear()
    expect(await snapshotOf(world)).toBe('written')
    await world.kv.put(SNAPSHOT_NAME, 'x', { expirationTtl: 60, metadata: {} })
    expect(await snapshotOf(world)).toBe('written')
  })

  it('costs nothing where its head was pruned', async () => {
    const world = new World()
    world.logElsewhere(['a'])
    await snapshotOf(world)
    world.logElsewhere(['b'])
    world.d1.exec('DELETE FROM invalidation_log WHERE seq = 1; UPDATE invalidation_state SET pruned_to = 1')
    const { epoch } = world
    await world.runtime.advance(120_000)
    expect([await snapshotOf(world), world.epoch]).toEqual(['written', epoch])
  })

  it('names the migrations where they are missing', async () => {
    const world = new World()
    world.d1.exec('DELETE FROM invalidation_state')
    await expect(snapshotOf(world)).rejects.toThrow('run its migrations')
  })
})

describe('a database that was restored while nobody was there', () => {
  async function restored(afterwards: (world: World) => void) {
    const world = new World()
    world.plant('1', 'old')
    world.logElsewhere(['a'])
    const restore = world.backup()
    world.writeElsewhere('1', 'new')
    await world.isolate().cache.read(posts.at({ id: '1' }))
    await world.settle()
    await snapshotOf(world)
    restore()
    afterwards(world)
    return world
  }

  it.each([
    ['by a shorter log', () => {}],
    ['by an empty log', (world: World) => world.d1.exec('DELETE FROM invalidation_log')],
    ['by another event at its head', (world: World) => world.logMany(3)],
    [
      'by a head that is gone though nobody pruned it',
      (world: World) => {
        world.d1.exec('UPDATE sqlite_sequence SET seq = 2')
        world.logElsewhere(['b'])
      },
    ],
  ])('is found against the snapshot, %s, before that is overwritten', async (_, afterwards) => {
    const world = await restored(afterwards)
    const { epoch } = world
    expect(await snapshotOf(world)).toBe('restored: new epoch')
    expect(world.epoch).not.toBe(epoch)
    expect((await world.isolate().cache.read(posts.at({ id: '1' }))).value()?.title).toBe('old')
    const moved = world.epoch
    await world.runtime.advance(3600_000)
    await snapshotOf(world)
    expect(world.epoch).toBe(moved)
  })
})
