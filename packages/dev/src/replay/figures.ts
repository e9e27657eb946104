import type { D1Use, Source } from './cms-client.ts'
import type { Measurements } from './measurements.ts'
import { PLAN } from './plan.ts'
import { type Latency, latencyOf, shareUnder } from './quantiles.ts'
import type { Training } from './train.ts'

/** Something with the cache on and with it off. */
export interface Saving {
  cached: number
  uncached: number
  /** The part of `uncached` that the cache saves, 0 to 1; below 0 when it costs more than it saves. */
  reduction: number
}

/** What `--json` writes. */
export interface Figures {
  requests: number
  reads: number
  writes: number
  /** Shares of the reads, from 0 to 1; `kvOfMisses`: of those that memory did not answer. */
  hitRate: { memory: number; kv: number; kvOfMisses: number; combined: number }
  /** The hit rate of an unbounded cache with exact invalidation on the same operations. */
  ideal: number
  /** The combined hit rate as a share of the ideal. */
  ofIdeal: number
  /** By who answered; `uncached` is the sample with the cache off. */
  latencyMs: Record<Source | 'uncached', Latency | null>
  /** Share of each tier's answers that took less than the plan says; null without any. */
  underPlanned: Record<Source, number | null>
  /** Mean time of a read, in milliseconds. */
  readMs: Saving
  /** What the API Workers sent to D1 for the operations, for reads, writes and freshness together. */
  d1Queries: Saving
  /** The same in round trips: a load and the log's head go in one. */
  d1RoundTrips: Saving
  /** What the plan asks for. */
  plan: typeof PLAN
  /** What came before the measurements; null without. */
  training: Training | null
  /** Reads older than a version that was answered more than `boundMs` before they were sent. Training counts too. */
  staleReads: number
  boundMs: number
  /** Reads served stale and labelled so, while the database failed. */
  labelledStale: number
  /** Requests that failed. Training, and the sample with the cache off, count too. */
  errors: number
  seconds: number
}

/** What a number of operations came to, and what D1 had to do for them. */
export interface Sample {
  measured: Measurements
  d1: D1Use
}

/** What besides the measurements goes into the figures. */
export interface Circumstances {
  ideal: number
  /** Some of the same operations with the cache off, to compare with. */
  uncached: Sample
  training: Training | null
  boundMs: number
  seconds: number
}

/** Adds a replay up. */
export function figuresOf({ measured, d1 }: Sample, circumstances: Circumstances): Figures {
  const { ideal, uncached, training, boundMs, seconds } = circumstances
  const { latencies, reads, writes } = measured
  const rate = (hits: number, of = reads) => (of === 0 ? 0 : hits / of)
  const { memory, kv } = latencies
  const combined = rate(memory.length + kv.length)
  const all = Object.values(latencies).flat()
  const allUncached = Object.values(uncached.measured.latencies).flat()
  // As many operations as were measured, at the sample's price.
  const scale = rate(reads + writes, uncached.measured.reads + uncached.measured.writes)
  const d1Saving = (of: keyof D1Use) => savingOf(d1[of], Math.round(uncached.d1[of] * scale))
  return {
    requests: reads + writes + measured.errors,
    reads,
    writes,
    hitRate: {
      memory: rate(memory.length),
      kv: rate(kv.length),
      kvOfMisses: rate(kv.length, reads - memory.length),
      combined,
    },
    ideal,
    ofIdeal: ideal === 0 ? 1 : combined / ideal,
    latencyMs: {
      memory: latencyOf(memory),
      kv: latencyOf(kv),
      database: latencyOf(latencies.database),
      uncached: latencyOf(allUncached),
    },
    underPlanned: {
      memory: shareUnder(memory, PLAN.underMs.memory),
      kv: shareUnder(kv, PLAN.underMs.kv),
      database: shareUnder(latencies.database, PLAN.underMs.database),
    },
    readMs: savingOf(latencyOf(all)?.mean ?? 0, latencyOf(allUncached)?.mean ?? 0),
    d1Queries: d1Saving('queries'),
    d1RoundTrips: d1Saving('batches'),
    plan: PLAN,
    training,
    staleReads: measured.staleReads + (training?.staleReads ?? 0),
    boundMs,
    labelledStale: measured.labelledStale,
    errors: measured.errors + uncached.measured.errors + (training?.errors ?? 0),
    seconds,
  }
}

function savingOf(cached: number, uncached: number): Saving {
  return { cached, uncached, reduction: uncached === 0 ? 0 : 1 - cached / uncached }
}
