import { COUNTS, hitRate, type NamespaceCounts, noCounts } from '../stats.ts'
import { BUCKETS, type Histogram, mergeInto, newHistogram, quantile, sizeOf } from './histogram.ts'
import { noOutcomes, type Outcomes } from './outcomes.ts'
import { FLEET_COUNTS, type FleetCounts, noFleetCounts, type Sums } from './sums.ts'

/** Prices of the platform, in US dollars for one. */
const USD = { kvRead: 0.5e-6, kvWrite: 5e-6, queueOperation: 0.4e-6, rowRead: 1e-9 } as const
/** Of one message: written, read, deleted. */
const QUEUE_OPERATIONS = 3

/** Of times in ms, each within 1/16 of the true one; `max` is that of the slowest. */
export interface Quantiles {
  count: number
  p50: number
  p95: number
  p99: number
  max: number
}

/** What a namespace did in a span of time, over all isolates. */
export interface Figures extends NamespaceCounts {
  /** Reads through the cache: hits, misses and stale answers. Bypasses are none. */
  reads: number
  hits: number
  /** `hits / reads`; null without reads. */
  hitRate: number | null
  /** How long one read of KV and one load took; null without any. */
  latencyMs: { kvRead: Quantiles | null; load: Quantiles | null }
  /** The age of the fence at each hit: no answer that is not labelled stale is staler than this. To be held against Δ. */
  fenceLagMs: Quantiles | null
  /** The same, with the stale answers' ages: how old any answer may have been. */
  stalenessMs: Quantiles | null
  saved: Saved
}

/** What the cache was worth. */
interface Saved {
  /** Queries that D1 was spared: one for each read, less what loads (two) and refreshes of the fence (one) took. */
  queries: number
  /** What the rows that were not read, would have cost. */
  rowsUsd: number
  /** What KV's operations and the statistics' messages cost. */
  spentUsd: number
  /** The one less the other: often below 0, since D1's reads are cheap. What is bought is latency, and D1's one thread. */
  usd: number
}

/** What all namespaces did together, and what no namespace has a share in. */
export interface FleetFigures extends Figures {
  latencyMs: Figures['latencyMs'] & { refresh: Quantiles | null }
  /** Isolates that told of themselves, on average. */
  isolates: number
  d1: {
    queries: number
    batches: number
    errors: number
    refreshes: number
    rowsRead: number
    rowsWritten: number
  }
  kv: { reads: number; shared: number; writes: number; errors: number; garbage: number; dropped: number }
}

/** The fleet in a span of time. Times are clocks, ms. */
export interface FleetSpan {
  from: number
  to: number
  total: FleetFigures
  namespaces: Record<string, Figures>
}

/** A point of a chart. */
export interface TrendPoint {
  /** Beginning of the step, clock, ms. */
  at: number
  reads: number
  memoryHits: number
  kvHits: number
  misses: number
  stale: number
  bypasses: number
  /** Null where nothing was read: a gap, not a zero. */
  hitRate: number | null
  loads: number
  loadErrors: number
  invalidByFence: number
  evictions: number
  kvReads: number
  kvWrites: number
  kvReadMs: Percentiles | null
  loadMs: Percentiles | null
  stalenessMs: Percentiles | null
  /** Of all namespaces together: 0 and null in the trend of one. */
  d1Queries: number
  refreshes: number
  refreshMs: Percentiles | null
  isolates: number
  savedQueries: number
  /** Messages that waited in `cache-events`, on average; null where nobody asked, as in the trend of one namespace. */
  backlog: number | null
  /** Events by outcome, and warm jobs, those of both lanes together; kept for 48 hours. */
  events: Record<string, number>
  warmJobs: Record<string, number>
}

type Percentiles = Pick<Quantiles, 'p50' | 'p99'>

/** What one namespace's sums come to. */
export function figuresOf(sums: Sums): Figures {
  return { ...countsOf(sums), ...derived(sums) }
}

function derived(sums: Sums) {
  const counts = countsOf(sums)
  const hits = counts.memoryHits + counts.kvHits
  const lag = histogramOf(sums, 'hitAge')
  const staleness = histogramOf(sums, 'staleAge')
  mergeInto(staleness, lag)
  return {
    reads: hits + counts.misses + counts.stale,
    hits,
    hitRate: hitRate(counts),
    latencyMs: {
      kvRead: quantilesOf(histogramOf(sums, 'kvRead')),
      load: quantilesOf(histogramOf(sums, 'load')),
    },
    fenceLagMs: quantilesOf(lag),
    stalenessMs: quantilesOf(staleness),
    saved: savedOf(sums),
  }
}

/** What the fleet's sums come to. @param spanMs that they are of */
export function fleetFigures(sums: Sums, spanMs: number): FleetFigures {
  const own = figuresOf(sums)
  const fleet = fleetCountsOf(sums)
  return {
    ...own,
    latencyMs: { ...own.latencyMs, refresh: quantilesOf(histogramOf(sums, 'refresh')) },
    isolates: spanMs === 0 ? 0 : fleet.coveredMs / spanMs,
    d1: {
      queries: fleet.d1Queries,
      batches: fleet.d1Batches,
      errors: fleet.d1Errors,
      refreshes: fleet.refreshes,
      rowsRead: fleet.d1RowsRead,
      rowsWritten: fleet.d1RowsWritten,
    },
    kv: {
      reads: own.kvReads,
      shared: fleet.kvShared,
      writes: own.kvWrites,
      errors: fleet.kvErrors,
      garbage: fleet.kvGarbage,
      dropped: fleet.kvDropped,
    },
  }
}

/**
 * The point of a chart that sums come to.
 * @param stepMs that they are of
 * @param outcomes what the pipeline counted meanwhile
 */
export function trendPoint(
  at: number,
  sums: Sums,
  stepMs: number,
  outcomes: Outcomes = noOutcomes(),
): TrendPoint {
  const { d1, latencyMs, isolates, saved, ...figures } = fleetFigures(sums, stepMs)
  return {
    at,
    reads: figures.reads,
    memoryHits: figures.memoryHits,
    kvHits: figures.kvHits,
    misses: figures.misses,
    stale: figures.stale,
    bypasses: figures.bypasses,
    hitRate: figures.hitRate,
    loads: figures.loads,
    loadErrors: figures.loadErrors,
    invalidByFence: figures.invalidByFence,
    evictions: figures.evictions,
    kvReads: figures.kvReads,
    kvWrites: figures.kvWrites,
    kvReadMs: percentiles(latencyMs.kvRead),
    loadMs: percentiles(latencyMs.load),
    stalenessMs: percentiles(figures.stalenessMs),
    d1Queries: d1.queries,
    refreshes: d1.refreshes,
    refreshMs: percentiles(latencyMs.refresh),
    isolates,
    savedQueries: saved.queries,
    backlog: meanOf(sums.backlogSum, sums.backlogSamples),
    ...outcomes,
  }
}

function meanOf(sum = 0, samples = 0): number | null {
  return samples === 0 ? null : sum / samples
}

function percentiles(of: Quantiles | null): Percentiles | null {
  return of === null ? null : { p50: of.p50, p99: of.p99 }
}

/** A count that is not there is 0. */
function countsOf(sums: Sums): NamespaceCounts {
  const counts = noCounts()
  for (const name of COUNTS) counts[name] = sums[name] ?? 0
  return counts
}

function fleetCountsOf(sums: Sums): FleetCounts {
  const counts = noFleetCounts()
  for (const name of FLEET_COUNTS) counts[name] = sums[name] ?? 0
  return counts
}

/** One of the histograms that sums hold. */
export function histogramOf(sums: Sums, name: string): Histogram {
  const histogram = newHistogram()
  for (let bucket = 0; bucket < BUCKETS; bucket++) histogram[bucket] = sums[`${name}.${bucket}`] ?? 0
  return histogram
}

/** Null when nothing was counted. */
function quantilesOf(histogram: Histogram): Quantiles | null {
  const of = (share: number) => quantile(histogram, share)
  const [p50, p95, p99, max] = [of(0.5), of(0.95), of(0.99), of(1)]
  if (p50 === null || p95 === null || p99 === null || max === null) return null
  return { count: sizeOf(histogram), p50, p95, p99, max }
}

function savedOf(sums: Sums): Saved {
  const counts = countsOf(sums)
  const { refreshes, messages } = fleetCountsOf(sums)
  const { loads, loadRows, kvReads, kvWrites } = counts
  const reads = counts.memoryHits + counts.kvHits + counts.misses + counts.stale
  // A read that finds nothing still costs a row. Without any load nobody knows what one would have read.
  const rowsEach = loads === 0 ? 1 : Math.max(1, loadRows / loads)
  const rowsUsd = ((reads - loads) * rowsEach - loads - refreshes) * USD.rowRead
  const spentUsd =
    kvReads * USD.kvRead + kvWrites * USD.kvWrite + messages * QUEUE_OPERATIONS * USD.queueOperation
  return { queries: reads - 2 * loads - refreshes, rowsUsd, spentUsd, usd: rowsUsd - spentUsd }
}

/** What several were worth together. */
export function sumSaved(all: readonly Saved[]): Saved {
  const sum = { queries: 0, rowsUsd: 0, spentUsd: 0, usd: 0 }
  for (const one of all) {
    sum.queries += one.queries
    sum.rowsUsd += one.rowsUsd
    sum.spentUsd += one.spentUsd
    sum.usd += one.usd
  }
  return sum
}
