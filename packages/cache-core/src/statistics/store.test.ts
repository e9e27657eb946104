import { describe, expect, it } from 'vitest'
import { World } from '../../test/world.ts'
import { fleetSpan, type TrendSpan, trendOf } from './queries.ts'
import { addBacklog, addSums, type Counted, rollUp } from './store.ts'
import { FLEET } from './sums.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** The beginning of a day. */
const START = Math.ceil(1_700_000_000_000 / DAY) * DAY

function bench() {
  const { db, d1 } = new World()
  const add = (counted: Counted | Counted[], now: number) => db.batch([addSums(db, [counted].flat(), now)])
  const roll = (now: number) => db.batch(rollUp(db, now))
  const rows = () =>
    d1.sqlite
      .prepare('SELECT step, at, namespace, sums FROM statistics ORDER BY step, at, namespace')
      .all()
      .map(({ step, at, namespace, sums }) => [
        step,
        Number(at) * 1000 - START,
        namespace,
        JSON.parse(String(sums)),
      ])
  const span = async (ms: number, now: number) => {
    const { statements, decode } = fleetSpan(db, ms, now)
    return decode(await db.batch(statements))
  }
  const trend = async (of: TrendSpan, now: number, namespace?: string) => {
    const { statements, decode } = trendOf(db, { span: of, ...(namespace && { namespace }) }, now)
    return decode(await db.batch(statements))
  }
  return { db, d1, add, roll, rows, span, trend }
}

const hits = (n: number, namespace = 'content', at = Number.NaN): Counted => ({
  at,
  namespaces: { [namespace]: { memoryHits: n, 'hitAge.3': n } },
})

describe('the sums of minutes', () => {
  it('add up name by name, in one row for each minute and namespace', async () => {
    const { add, rows } = bench()
    await add([hits(1), hits(2), hits(5, 'api')], START)
    await add(
      { at: Number.NaN, namespaces: { content: { memoryHits: 3, misses: 1, 'load.7': 1 } } },
      START + 59_999,
    )
    await add(hits(7), START + 60_000)
    expect(rows()).toEqual([
      [60, 0, 'api', { memoryHits: 5, 'hitAge.3': 5 }],
      [60, 0, 'content', { memoryHits: 6, 'hitAge.3': 3, misses: 1, 'load.7': 1 }],
      [60, 60_000, 'content', { memoryHits: 7, 'hitAge.3': 7 }],
    ])
  })

  it('are of the minute in which they were counted, unless that is long past or yet to come', async () => {
    const { add, rows } = bench()
    const now = START + HOUR
    await add([hits(1, 'a', now - 60_001), hits(2, 'a', now - HOUR), hits(4, 'a', now + HOUR)], now)
    expect(rows().map(([, at, , sums]) => [Number(at) - HOUR, sums.memoryHits])).toEqual([
      [-240_000, 2],
      [-120_000, 1],
      [0, 4],
    ])
  })
})

describe('rolling up', () => {
  it('makes an hour of its minutes once all of them can have come, and is done twice without harm', async () => {
    const { add, roll, rows } = bench()
    await add(hits(1), START)
    await add(hits(2), START + 59 * 60_000)
    await add(hits(4), START + HOUR)
    await roll(START + HOUR + 299_000)
    expect(rows().filter(([step]) => step !== 60)).toEqual([])
    for (const late of [300_000, 301_000, 900_000]) {
      await roll(START + HOUR + late)
      expect(rows().filter(([step]) => step !== 60)).toEqual([
        [3_600, 0, 'content', { memoryHits: 3, 'hitAge.3': 3 }],
      ])
    }
  })

  it('makes days of hours, catches up after an outage, and keeps each step for its time', async () => {
    const { add, roll, rows } = bench()
    for (let hour = 0; hour < 30; hour++) await add(hits(1), START + hour * HOUR)
    const now = START + 30 * HOUR + 300_000
    await roll(now)
    expect(rows().filter(([step]) => step === 86_400)).toEqual([
      [86_400, 0, 'content', { memoryHits: 24, 'hitAge.3': 24 }],
    ])
    expect(rows().filter(([step]) => step === 3_600)).toHaveLength(30)
    await roll(START + 3 * DAY)
    expect(rows().filter(([step]) => step === 60)).toHaveLength(6)
    await roll(START + 40 * DAY)
    expect(rows().map(([step, at, , sums]) => [step, at, sums.memoryHits])).toEqual([
      [86_400, 0, 24],
      [86_400, DAY, 6],
    ])
    await roll(START + 735 * DAY)
    expect(rows()).toEqual([])
  })
})

describe('the fleet in a span', () => {
  it('counts each minute once, whatever of it is rolled up', async () => {
    const { add, roll, span } = bench()
    const now = START + 2 * DAY + 90 * 60_000
    for (let minute = 0; minute < 49 * 60; minute += 30) await add(hits(1), START + minute * 60_000)
    const reads = async (ms: number) => (await span(ms, now))?.total.reads
    const before = [await reads(HOUR), await reads(DAY), await reads(7 * DAY)]
    expect(before).toEqual([1, 47, 98])
    await roll(now)
    const after = [await reads(HOUR), await reads(DAY), await reads(7 * DAY)]
    // The hour that the span begins in counts whole.
    expect(after).toEqual([1, 48, 98])
  })

  it('tells of each namespace, and of what none has a share in', async () => {
    const { add, span } = bench()
    const fleet = { coveredMs: 120_000, messages: 4, d1Queries: 9, refreshes: 3, 'refresh.5': 3, kvErrors: 1 }
    await add([hits(6), hits(2, 'api'), { at: START, namespaces: { [FLEET]: fleet } }], START)
    const found = await span(HOUR, START)
    expect(Object.keys(found?.namespaces ?? {})).toEqual(['api', 'content'])
    expect(found?.namespaces.content).toMatchObject({ memoryHits: 6, reads: 6, hitRate: 1 })
    expect(found?.total).toMatchObject({
      memoryHits: 8,
      isolates: 1 / 30,
      d1: { queries: 9, refreshes: 3 },
      kv: { errors: 1 },
      fenceLagMs: { count: 8, p50: 3, max: 3 },
      latencyMs: { refresh: { count: 3, p99: 5 }, load: null },
      saved: { queries: 5 },
    })
  })

  it('has saved what its namespaces have, each by what its own loads cost', async () => {
    const { add, span } = bench()
    const counted = {
      // Lists: a thousand rows each. Items: one.
      api: { memoryHits: 9, misses: 1, loads: 1, loadRows: 1_000, kvReads: 2, kvWrites: 1 },
      content: { memoryHits: 90, misses: 10, loads: 10, loadRows: 10 },
      [FLEET]: { messages: 1, refreshes: 4, kvReads: 1 },
    }
    await add({ at: START, namespaces: counted }, START)
    const found = await span(HOUR, START)
    expect(found?.namespaces.api?.saved.rowsUsd).toBeCloseTo((9_000 - 1) * 1e-9, 12)
    expect(found?.namespaces.content?.saved).toMatchObject({ queries: 80, spentUsd: 0 })
    const { saved } = found?.total ?? {}
    expect(saved?.queries).toBe(8 + 80 - 4)
    expect(saved?.rowsUsd).toBeCloseTo((9_000 - 1 + 90 - 10 - 4) * 1e-9, 12)
    // Three reads and a write of KV, a message of three operations.
    expect(saved?.spentUsd).toBeCloseTo(3 * 0.5e-6 + 5e-6 + 3 * 0.4e-6, 12)
    expect(saved?.usd).toBeCloseTo((saved?.rowsUsd ?? 0) - (saved?.spentUsd ?? 0), 12)
  })

  it('is idle where nothing was counted', async () => {
    const found = await bench().span(HOUR, START)
    expect(found).toMatchObject({ namespaces: {}, total: { reads: 0, hitRate: null, stalenessMs: null } })
  })
})

describe('a trend', () => {
  it('has a point for each step, also where nothing was read', async () => {
    const { db, d1, add, trend } = bench()
    const now = START + DAY + 30_000
    await add(hits(4), now)
    await add({ at: Number.NaN, namespaces: { content: { misses: 4 }, api: { misses: 1 } } }, now - 60_000)
    for (const backlog of [4, 8]) await db.batch([addBacklog(db, backlog, now)])
    const minute = Math.floor(now / 60_000)
    d1.exec(`INSERT INTO pipeline_counts VALUES (${minute}, 'warm.high.loaded', 2), (${minute}, 'warm.low.loaded', 3),
(${minute}, 'warm.low.wait_ms', 99), (${minute}, 'warm.low.done', 5), (${minute}, 'reads.kvHits', 9),
(${minute}, 'jobs.dead', 1), (${minute}, 'events.processed', 6), (${minute}, 'events.dead', 2), (${minute}, 'backlog.low', 8)`)
    const found = await trend('hour', now)
    expect(found).toMatchObject({ span: 'hour', stepSeconds: 60, namespace: null, to: now })
    expect(found?.points).toHaveLength(60)
    expect(found?.points.at(-1)).toMatchObject({
      at: now - 30_000,
      reads: 4,
      hitRate: 1,
      backlog: 6,
      events: { processed: 6, dead: 2 },
      warmJobs: { loaded: 5, dead: 1 },
    })
    expect(found?.points.at(-2)).toMatchObject({
      at: now - 90_000,
      reads: 5,
      misses: 5,
      hitRate: 0,
      events: {},
      warmJobs: {},
    })
    expect(found?.points.at(-3)).toMatchObject({ reads: 0, hitRate: null, backlog: null, stalenessMs: null })
    const own = await trend('hour', now, 'api')
    expect(own?.points.at(-1)).toMatchObject({ reads: 0, backlog: null, events: {}, warmJobs: {} })
    expect(own?.points.at(-2)).toMatchObject({ misses: 1 })
  })

  it.each(['day', 'week', 'month'] as const)(
    'of a %s says the same before and after rolling up',
    async (of) => {
      const { add, roll, trend } = bench()
      const now = START + 2 * DAY + 10 * 60_000
      for (let hour = 0; hour <= 48; hour++) await add(hits(hour + 1), START + hour * HOUR)
      const reads = async () => (await trend(of, now))?.points.map((point) => point.reads)
      const before = await reads()
      expect(before?.at(-1)).toBe(49)
      await roll(now)
      expect(await reads()).toEqual(before)
    },
  )
})
