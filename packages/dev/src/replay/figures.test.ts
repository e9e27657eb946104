import { describe, expect, it } from 'vitest'
import { figuresOf } from './figures.ts'
import { Measurements } from './measurements.ts'
import { tableOf } from './table.ts'

const circumstances = {
  ideal: 0.8,
  d1Queries: 150,
  uncached: { milliseconds: [4, 6], d1Queries: 4 },
  boundMs: 5_000,
  seconds: 2,
}

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
    expect(figuresOf(someMeasurements(), circumstances)).toEqual({
      requests: 15,
      reads: 10,
      writes: 5,
      hitRate: { memory: 0.6, kv: 0.2, combined: 0.8 },
      ideal: 0.8,
      ofIdeal: 1,
      latencyMs: {
        memory: { count: 6, p50: 3, p95: 6, p99: 6 },
        kv: { count: 2, p50: 7, p95: 8, p99: 8 },
        database: { count: 2, p50: 9, p95: 10, p99: 10 },
        uncached: { count: 2, p50: 4, p95: 6, p99: 6 },
      },
      d1Queries: 150,
      // 2 a read, for 10 reads.
      d1QueriesUncached: 20,
      staleReads: 0,
      boundMs: 5_000,
      labelledStale: 0,
      errors: 0,
      seconds: 2,
    })
  })

  it('has no hit rate without reads, and no NaN', () => {
    const figures = figuresOf(new Measurements(), {
      ...circumstances,
      ideal: 0,
      uncached: { milliseconds: [], d1Queries: 0 },
    })
    expect(figures).toMatchObject({
      hitRate: { memory: 0, kv: 0, combined: 0 },
      ofIdeal: 1,
      latencyMs: { memory: null, uncached: null },
      d1QueriesUncached: 0,
    })
    expect(JSON.stringify(figures)).not.toContain('NaN')
  })
})

describe('tableOf', () => {
  it('has a row for each figure', () => {
    const figures = { ...figuresOf(someMeasurements(), circumstances), requests: 100_000 }
    expect(`\n${tableOf(figures)}\n`).toMatchInlineSnapshot(`
      "
        requests               100,000 (10 reads, 5 writes)
        hit rate, memory       60.00 %
        hit rate, KV           20.00 %
        hit rate, combined     80.00 %, 100.00 % of the ideal
        ideal hit rate         80.00 %
        latency, memory        p50 3.00 ms, p95 6.00 ms, p99 6.00 ms (6)
        latency, KV            p50 7.00 ms, p95 8.00 ms, p99 8.00 ms (2)
        latency, database      p50 9.00 ms, p95 10.00 ms, p99 10.00 ms (2)
        latency, cache off     p50 4.00 ms, p95 6.00 ms, p99 6.00 ms (2)
        D1 queries of the API  150, with the cache off 20 for the reads alone
        stale reads            0 (older than 5000 ms allow)
        errors                 0
        time                   2.0 s, 50,000 requests/s
      "
    `)
  })

  it('tells of tiers that answered nothing, and of labelled stale answers', () => {
    const measured = new Measurements()
    measured.read('id', 'url', { version: 1, source: 'memory', labelledStale: true }, 2, 1)
    const table = tableOf(figuresOf(measured, circumstances))
    expect(table).toMatch(/latency, KV +none/)
    expect(table).toMatch(/served stale, labelled +1/)
    expect(table).toMatch(/stale reads +0/)
  })
})
