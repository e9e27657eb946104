import type { Measurements } from './measurements.ts'
import { type Latency, latencyOf } from './quantiles.ts'

/** What `--json` writes. */
export interface Figures {
  requests: number
  reads: number
  writes: number
  /** Shares of the reads, from 0 to 1. */
  hitRate: { memory: number; kv: number; combined: number }
  /** The hit rate of an unbounded cache with exact invalidation on the same operations. */
  ideal: number
  /** The combined hit rate as a share of the ideal. */
  ofIdeal: number
  /** By who answered; `uncached` is the sample with the cache off. */
  latencyMs: Record<'memory' | 'kv' | 'database' | 'uncached', Latency | null>
  /** Queries that the API Workers sent to D1 during the replay, for reads, writes and freshness together. */
  d1Queries: number
  /** What the reads alone would have cost with the cache off, by the sample. */
  d1QueriesUncached: number
  /** Reads older than a version that was answered more than `boundMs` before they were sent. */
  staleReads: number
  boundMs: number
  /** Reads served stale and labelled so, while the database failed. */
  labelledStale: number
  errors: number
  seconds: number
}

/** Reads with the cache off, to compare with. */
export interface UncachedSample {
  milliseconds: readonly number[]
  d1Queries: number
}

/** What besides the measurements goes into the figures. */
export interface Circumstances {
  ideal: number
  d1Queries: number
  uncached: UncachedSample
  boundMs: number
  seconds: number
}

/** Adds a replay up. */
export function figuresOf(measured: Measurements, circumstances: Circumstances): Figures {
  const { ideal, d1Queries, uncached, boundMs, seconds } = circumstances
  const { latencies, reads, writes, errors } = measured
  const rate = (hits: number) => (reads === 0 ? 0 : hits / reads)
  const combined = rate(latencies.memory.length + latencies.kv.length)
  const queriesPerRead =
    uncached.milliseconds.length === 0 ? 0 : uncached.d1Queries / uncached.milliseconds.length
  return {
    requests: reads + writes + errors,
    reads,
    writes,
    hitRate: { memory: rate(latencies.memory.length), kv: rate(latencies.kv.length), combined },
    ideal,
    ofIdeal: ideal === 0 ? 1 : combined / ideal,
    latencyMs: {
      memory: latencyOf(latencies.memory),
      kv: latencyOf(latencies.kv),
      database: latencyOf(latencies.database),
      uncached: latencyOf(uncached.milliseconds),
    },
    d1Queries,
    d1QueriesUncached: Math.round(queriesPerRead * reads),
    staleReads: measured.staleReads,
    boundMs,
    labelledStale: measured.labelledStale,
    errors,
    seconds,
  }
}
