import { COUNTS, type NamespaceStats, type Stats } from '../stats.ts'
import type { Histogram } from './histogram.ts'

/**
 * What was counted, by name: counts as they are, the buckets of a histogram as `load.17`. Flat, so that whatever adds two of them
 * up, in a Worker or in SQL, need not know what is in there.
 */
export type Sums = Record<string, number>

/** What no namespace has a share in. */
export interface FleetCounts {
  /** Time that the isolates tell of. */
  coveredMs: number
  /** How often they told. */
  messages: number
  d1Queries: number
  d1Batches: number
  d1Errors: number
  d1RowsRead: number
  d1RowsWritten: number
  refreshes: number
  kvShared: number
  kvErrors: number
  kvGarbage: number
  kvDropped: number
}

export const FLEET_COUNTS = [
  'coveredMs',
  'messages',
  'd1Queries',
  'd1Batches',
  'd1Errors',
  'd1RowsRead',
  'd1RowsWritten',
  'refreshes',
  'kvShared',
  'kvErrors',
  'kvGarbage',
  'kvDropped',
] as const satisfies readonly (keyof FleetCounts)[]

/** Nothing counted yet. */
export function noFleetCounts(): FleetCounts {
  return {
    coveredMs: 0,
    messages: 0,
    d1Queries: 0,
    d1Batches: 0,
    d1Errors: 0,
    d1RowsRead: 0,
    d1RowsWritten: 0,
    refreshes: 0,
    kvShared: 0,
    kvErrors: 0,
    kvGarbage: 0,
    kvDropped: 0,
  }
}

/** The place of what no namespace has a share in: no namespace can be called that. */
export const FLEET = '*'

/** All that an isolate has counted since it started, by namespace, zeros left out. */
export function sumsOf(stats: Stats): Record<string, Sums> {
  const all: Record<string, Sums> = {}
  for (const [namespace, one] of stats.all()) all[namespace] = namespaceSums(one)
  all[FLEET] = fleetSums(stats)
  return all
}

function namespaceSums(one: NamespaceStats): Sums {
  const sums: Sums = {}
  const counts = one.counts()
  for (const name of COUNTS) put(sums, name, counts[name])
  putAll(sums, 'hitAge', one.hitAges())
  putAll(sums, 'staleAge', one.staleAges)
  putAll(sums, 'kvRead', one.kvReadTimes)
  putAll(sums, 'load', one.loadTimes)
  return sums
}

function fleetSums(stats: Stats): Sums {
  const { kv, d1 } = stats
  const sums: Sums = {}
  // What namespaces have not asked of KV: the fence's snapshot.
  const { kvReads, kvWrites } = stats.total()
  put(sums, 'kvReads', kv.reads - kvReads)
  put(sums, 'kvWrites', kv.writes - kvWrites)
  put(sums, 'kvShared', kv.shared)
  put(sums, 'kvErrors', kv.errors)
  put(sums, 'kvGarbage', kv.garbage)
  put(sums, 'kvDropped', kv.dropped)
  put(sums, 'd1Queries', d1.queries)
  put(sums, 'd1Batches', d1.batches)
  put(sums, 'd1Errors', d1.errors)
  put(sums, 'd1RowsRead', d1.rowsRead)
  put(sums, 'd1RowsWritten', d1.rowsWritten)
  put(sums, 'refreshes', d1.refreshes)
  const { checks, violations, younger } = stats.verification
  put(sums, 'verifyChecks', checks)
  put(sums, 'verifyViolations', violations)
  put(sums, 'verifyYounger', younger)
  putAll(sums, 'refresh', stats.refreshTimes)
  return sums
}

function put(sums: Sums, name: string, value: number): void {
  if (value !== 0) sums[name] = value
}

function putAll(sums: Sums, name: string, histogram: Histogram): void {
  for (const [bucket, n] of histogram.entries()) put(sums, `${name}.${bucket}`, n)
}

/** What came to each sum; what did not change is left out. */
export function difference(now: Sums, before: Sums): Sums {
  const changed: Sums = {}
  for (const [name, value] of Object.entries(now)) put(changed, name, value - (before[name] ?? 0))
  return changed
}

/** Adds one's sums to another's. */
export function addTo(into: Sums, from: Sums): void {
  for (const [name, value] of Object.entries(from)) into[name] = (into[name] ?? 0) + value
}
