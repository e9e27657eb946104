import { costOf } from '../meter.ts'
import type { Counts, Scale } from './world.ts'

/** Queries that D1's one thread answers in a second, at 1 ms each (PLATFORM: D1). */
const D1_PER_SECOND = 1_000
/** Messages that a queue takes in a second. */
const QUEUE_PER_SECOND = 5_000
const SECONDS_A_MONTH = 30.4 * 86_400

/** What follows one change, as `npm run bench -- --only system` counts it: rows (with their index entries), messages, round trips. */
export const ROWS_A_WRITE = 14
export const MESSAGES_A_WRITE = 5
export const ROUND_TRIPS_A_WRITE = 6
/** An isolate tells of itself so often, s; the consumer writes a few rows for all of them each half minute. */
const STATS_EVERY_SECONDS = 30

/** What a site asks of the platform in a second. */
export interface Bill {
  hitRate: { memory: number; kv: number; combined: number }
  d1: {
    fence: number
    loads: number
    loadsAfterChange: number
    loadsByFolds: number
    writes: number
    total: number
    share: number
  }
  kv: { reads: number; writes: number }
  messages: number
  dollarsAMonth: number
  staleness: { share: number; p50: number; p99: number; max: number }
  /** The platform's limit that is nearest, and what moves it. */
  limit: { name: string; share: number; setting: string }
}

/** Adds up what was counted. */
export function billOf(scale: Scale, counts: Counts): Bill {
  const { memoryHits, locationHits, kvHits, loads, fenceQueries } = counts
  const reads = memoryHits + locationHits + kvHits + loads
  const writes = scale.writesPerSecond * ROUND_TRIPS_A_WRITE
  const total = loads + fenceQueries + writes
  const flushes = (scale.locations * scale.isolatesPerLocation) / STATS_EVERY_SECONDS
  const messages = scale.writesPerSecond * MESSAGES_A_WRITE + flushes
  const perSecond = costOf({
    kvReads: counts.kvReads,
    kvWrites: counts.kvWrites,
    kvDeletes: 0,
    kvLists: 0,
    d1Batches: 0,
    d1Queries: 0,
    d1RowsWritten: scale.writesPerSecond * ROWS_A_WRITE + flushes,
    queueOperations: 3 * messages,
  })
  const missed = reads - memoryHits
  return {
    hitRate: {
      memory: memoryHits / reads,
      kv: missed === 0 ? 0 : (locationHits + kvHits) / missed,
      combined: 1 - loads / reads,
    },
    d1: {
      fence: fenceQueries,
      loads,
      loadsAfterChange: counts.loadsAfterChange,
      loadsByFolds: counts.loadsByFolds,
      writes,
      total,
      share: total / D1_PER_SECOND,
    },
    kv: { reads: counts.kvReads, writes: counts.kvWrites },
    messages,
    dollarsAMonth: perSecond * SECONDS_A_MONTH,
    staleness: {
      share: counts.stale / reads,
      p50: quantile(counts.staleMs, 0.5),
      p99: quantile(counts.staleMs, 0.99),
      max: quantile(counts.staleMs, 1),
    },
    limit: nearest(scale, { fence: fenceQueries, loads, writes }, messages, counts.loadsByFolds),
  }
}

function nearest(
  scale: Scale,
  { fence, loads, writes }: { fence: number; loads: number; writes: number },
  messages: number,
  loadsByFolds: number,
): Bill['limit'] {
  const d1 = (fence + loads + writes) / D1_PER_SECOND
  const queue = messages / QUEUE_PER_SECOND
  if (queue > d1) return { name: 'messages of a queue', share: queue, setting: 'fewer changes in one call' }
  if (fence >= loads && fence >= writes) {
    const setting = scale.sessionShare > 0 ? 'maxStalenessMs of session' : 'maxStalenessMs of the policies'
    return { name: 'D1, by fence refreshes', share: d1, setting }
  }
  if (loads >= writes) {
    const setting = 2 * loadsByFolds > loads ? 'CACHE_FOLDED_PLACES' : 'ttl of the policies'
    return { name: 'D1, by loads', share: d1, setting }
  }
  return { name: 'D1, by writes and what follows them', share: d1, setting: 'bulk writes' }
}

/** Of ascending values. */
function quantile(values: readonly number[], q: number): number {
  return values[Math.min(values.length - 1, Math.floor(q * values.length))] ?? 0
}
