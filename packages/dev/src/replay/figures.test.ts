import { describe, expect, it } from 'vitest'
import { figuresOf, type Sample } from './figures.ts'
import { Measurements } from './measurements.ts'
import { PLAN } from './plan.ts'
import { tableOf } from './table.ts'

/** Two reads and a write with the cache off. */
function someUncached(): Sample {
  const measured = new Measurements()
  const answer = { version: 1, source: 'database', labelledStale: false } as const
  for (const milliseconds of [20, 30]) measured.read('id', 'url', answer, 0, milliseconds)
  measured.writes = 1
  return { measured, d1: { queries: 6, batches: 3 } }
}

const circumstances = { ideal: 0.8, uncached: someUncached(), training: null, boundMs: 5_000, seconds: 2 }
const NOTHING = { queries: 0, batches: 0 }
const d1 = { queries: 15, batches: 12 }

/** 6 of 10 reads from memory, 2 from KV, 2 from the database. */
function someMeasurements(): Measurements {
  const measured = new Measurements()
  const sources = [
    'memory',
    'memory',
    'memory',
    'memory',
    'memory',
    'memory',
    'kv',
    'kv',
    'database',
    'database',
  ] as const
  for (const [i, source] of sources.entries()) {
    measured.read('id', 'url', { version: 1, source, labelledStale: false }, 0, i + 1)
  }
  measured.writes = 5
  return measured
}

describe('figuresOf', () => {
  it('adds up', () => {
    expect(figuresOf({ measured: someMeasurements(), d1 }, circumstances)).toEqual({
      requests: 15,
      reads: 10,
      writes: 5,
      hitRate: { memory: 0.6, kv: 0.2, kvOfMisses: 0.5, combined: 0.8 },
      ideal: 0.8,
      ofIdeal: 1,
      latencyMs: {
        memory: { count: 6, mean: 3.5, p50: 3, p95: 6, p99: 6 },
        kv: { count: 2, mean: 7.5, p50: 7, p95: 8, p99: 8 },
        database: { count: 2, mean: 9.5, p50: 9, p95: 10, p99: 10 },
        uncached: { count: 2, mean: 25, p50: 20, p95: 30, p99: 30 },
      },
      underPlanned: { memory: 4 / 6, kv: 1, database: 1 },
      readMs: { cached: 5.5, uncached: 25, reduction: 0.78 },
      // 2 queries and a round trip an operation, for 15 operations.
      d1Queries: { cached: 15, uncached: 30, reduction: 0.5 },
      d1RoundTrips: { cached: 12, uncached: 15, reduction: 1 - 12 / 15 },
      plan: PLAN,
      training: null,
      staleReads: 0,
      boundMs: 5_000,
      labelledStale: 0,
      errors: 0,
      seconds: 2,
    })
  })

  it('has no hit rate without reads, and no NaN', () => {
    const figures = figuresOf(
      { measured: new Measurements(), d1: NOTHING },
      {
        ...circumstances,
        ideal: 0,
        uncached: { measured: new Measurements(), d1: NOTHING },
      },
    )
    expect(figures).toMatchObject({
      hitRate: { memory: 0, kv: 0, kvOfMisses: 0, combined: 0 },
      ofIdeal: 1,
      latencyMs: { memory: null, uncached: null },
      underPlanned: { memory: null },
      readMs: { cached: 0, uncached: 0, reduction: 0 },
      d1Queries: { cached: 0, uncached: 0, reduction: 0 },
    })
    expect(JSON.stringify(figures)).not.toContain('NaN')
  })
})

const training = {
  requests: 1_000,
  seconds: 2,
  popular: 12,
  warmJobs: { sent: 10, done: 9 },
  staleReads: 1,
  errors: 2,
}

describe('figuresOf after a training', () => {
  it('counts what went wrong in it, and with the cache off', () => {
    const uncached = someUncached()
    uncached.measured.failed(new Error('gone'))
    const sample = { measured: someMeasurements(), d1 }
    expect(figuresOf(sample, { ...circumstances, uncached, training })).toMatchObject({
      training,
      requests: 15,
      staleReads: 1,
      errors: 3,
    })
  })
})

describe('tableOf', () => {
  it('tells of the training, with and without a warm batch', () => {
    const figures = figuresOf({ measured: someMeasurements(), d1 }, { ...circumstances, training })
    expect(tableOf(figures)).toMatch(
      /training +1,000 requests in 2\.0 s, 12 popular recipes, 9 of 10 warm jobs done\n/,
    )
    expect(tableOf({ ...figures, training: { ...training, warmJobs: null } })).toContain('no warm batch\n')
  })

  it('says so when the cache costs more than it saves', () => {
    const figures = figuresOf(
      { measured: someMeasurements(), d1: { queries: 60, batches: 1 } },
      circumstances,
    )
    expect(tableOf(figures)).toMatch(/with the cache off 30: 100\.00 % more +plan: at least 90 %, missed/)
  })

  it('has a row for each figure', () => {
    const figures = { ...figuresOf({ measured: someMeasurements(), d1 }, circumstances), requests: 100_000 }
    expect(`\n${tableOf(figures)}\n`).toMatchInlineSnapshot(`
      "
        requests               100,000 (10 reads, 5 writes)
        hit rate, memory       60.00 %                                                    plan: 60–80 %, met
        hit rate, KV           20.00 %, 50.00 % of memory's misses                        plan: 80–95 %, missed
        hit rate, combined     80.00 %, 100.00 % of the ideal                             plan: at least 95 %, missed
        ideal hit rate         80.00 %
        latency, memory        mean 3.50 ms, p50 3.00 ms, p95 6.00 ms, p99 6.00 ms (6)    plan: < 5 ms, 66.67 % are
        latency, KV            mean 7.50 ms, p50 7.00 ms, p95 8.00 ms, p99 8.00 ms (2)    plan: < 50 ms, 100.00 % are
        latency, database      mean 9.50 ms, p50 9.00 ms, p95 10.00 ms, p99 10.00 ms (2)  plan: < 200 ms, 100.00 % are
        latency, cache off     mean 25.00 ms, p50 20.00 ms, p95 30.00 ms, p99 30.00 ms (2)
        mean time of a read    5.50 ms, with the cache off 25.00 ms: 78.00 % less         plan: at least 80 %, missed
        D1 queries of the API  15, with the cache off 30: 50.00 % less                    plan: at least 90 %, missed
        D1 round trips         12, with the cache off 15: 20.00 % less                    plan: at least 90 %, missed
        stale reads            0 (older than 5000 ms allow)
        errors                 0
        time                   2.0 s, 50,000 requests/s
      "
    `)
  })

  it('tells of tiers that answered nothing, and of labelled stale answers', () => {
    const measured = new Measurements()
    measured.read('id', 'url', { version: 1, source: 'memory', labelledStale: true }, 2, 1)
    const table = tableOf(figuresOf({ measured, d1 }, circumstances))
    expect(table).toMatch(/latency, KV +none/)
    expect(table).toMatch(/served stale, labelled +1/)
    expect(table).toMatch(/stale reads +0/)
  })
})
