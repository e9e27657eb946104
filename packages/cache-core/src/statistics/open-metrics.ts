import type { PipelineState } from '../pipeline/admin.ts'
import { histogramOf } from './figures.ts'
import { bucketOf, type Histogram, middleOf, sizeOf } from './histogram.ts'
import { addTo, FLEET, type Sums } from './sums.ts'

export const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** What is told; null where nobody could be asked. */
export interface Measured {
  /** Counted since `since`, by namespace. */
  sums: Readonly<Record<string, Sums>>
  /** When counting began, clock, ms. */
  since: number
  /** Namespaces that have a label of their own, with their Δ in ms; all others are told of as `other`. */
  namespaces: Readonly<Record<string, number>>
  events: Readonly<Record<string, number>>
  warmJobs: Readonly<Record<string, number>>
  pipeline: Pick<PipelineState, 'deadLetters' | 'unprocessed' | 'oldestUnprocessedAt'> | null
  /** Messages that wait, by queue. */
  backlogs: Readonly<Record<string, number | null>>
  isolates: number
  now: number
}

type Labels = Readonly<Record<string, string>>
/** Labels and value. */
type Sample = readonly [Labels, number]

/** Whoever has no label of its own. */
const OTHER = 'other'

/** Upper ends of the buckets, s: doublings, which ours are made of. */
const BOUNDS = Array.from({ length: 15 }, (_, power) => 2 ** power)

const OUTCOMES = {
  memoryHits: 'memory_hit',
  kvHits: 'kv_hit',
  misses: 'miss',
  stale: 'stale',
  bypasses: 'bypass',
} as const

/** The fleet as OpenMetrics text (version 1.0.0). Its label sets are bounded, whatever namespaces there are. */
export function openMetrics(measured: Measured): string {
  const { since, now, namespaces, pipeline } = measured
  const byName = bounded(measured)
  const { [FLEET]: fleet = {}, ...own } = byName
  const each = (value: (sums: Sums) => number): Sample[] =>
    Object.entries(own).map(([namespace, sums]) => [{ namespace }, value(sums)])
  const sum = (name: string) => each((sums) => sums[name] ?? 0)
  const created = since / 1000
  const counter = (name: string, help: string, samples: readonly Sample[], unit?: string) =>
    family(name, 'counter', help, unit, [
      ...samples.flatMap(([labels, value]) => [
        line(`${name}_total`, labels, value),
        line(`${name}_created`, labels, created),
      ]),
    ])
  const gauge = (
    name: string,
    help: string,
    samples: readonly (readonly [Labels, number | null])[],
    unit?: string,
  ) =>
    family(
      name,
      'gauge',
      help,
      unit,
      samples.flatMap(([labels, value]) => (value === null ? [] : [line(name, labels, value)])),
    )
  const histogram = (name: string, help: string, of: string, sums: readonly (readonly [Labels, Sums])[]) =>
    family(
      name,
      'histogram',
      help,
      'seconds',
      sums.flatMap(([labels, one]) => histogramLines(name, labels, histogramOf(one, of), created)),
    )
  const spaces = Object.entries(own).map(([namespace, sums]) => [{ namespace }, sums] as const)
  const families = [
    counter(
      'freshet_reads',
      'Reads by how they were answered.',
      Object.entries(own).flatMap(([namespace, sums]) =>
        Object.entries(OUTCOMES).map(([name, outcome]): Sample => [{ namespace, outcome }, sums[name] ?? 0]),
      ),
    ),
    counter('freshet_loads', 'Loads from D1.', sum('loads')),
    counter('freshet_load_errors', 'Loads that failed.', sum('loadErrors')),
    counter('freshet_loaded_bytes', 'Text that the loads brought.', sum('loadBytes'), 'bytes'),
    counter(
      'freshet_invalid_entries',
      'Entries found and refused since the log had moved on.',
      sum('invalidByFence'),
    ),
    counter('freshet_evictions', 'Entries that left memory to make room.', sum('evictions')),
    counter('freshet_kv_operations', 'Operations on KV.', [
      ...Object.entries(own).flatMap(([namespace, sums]): Sample[] => [
        [{ namespace, operation: 'read' }, sums.kvReads ?? 0],
        [{ namespace, operation: 'write' }, sums.kvWrites ?? 0],
      ]),
    ]),
    counter('freshet_kv_shared', 'Entries found with other isolates of the location, in place of KV.', [
      [{}, fleet.kvShared ?? 0],
    ]),
    counter('freshet_kv_errors', 'Operations on KV that failed.', [[{}, fleet.kvErrors ?? 0]]),
    counter('freshet_d1_queries', 'Statements that D1 was sent.', [[{}, fleet.d1Queries ?? 0]]),
    counter('freshet_d1_errors', 'Reads of D1 that failed.', [[{}, fleet.d1Errors ?? 0]]),
    counter('freshet_d1_rows_read', 'Rows that D1 read.', [[{}, fleet.d1RowsRead ?? 0]]),
    counter('freshet_fence_refreshes', 'Queries for the news of the log.', [[{}, fleet.refreshes ?? 0]]),
    counter('freshet_events', 'Events by what became of them.', byOutcome(measured.events)),
    counter('freshet_warm_jobs', 'Warm jobs by what became of them.', byOutcome(measured.warmJobs)),
    counter('freshet_verification_checks', 'Values that were compared with D1.', [
      [{ kind: 'hit' }, fleet.verifyChecks ?? 0],
      [{ kind: 'delayed' }, fleet.delayedChecks ?? 0],
    ]),
    counter('freshet_violations', 'Values that should not have been served.', [
      [{ kind: 'hit' }, fleet.verifyViolations ?? 0],
      [{ kind: 'delayed' }, fleet.delayedViolations ?? 0],
    ]),
    histogram('freshet_kv_read_seconds', 'How long reads of KV took.', 'kvRead', spaces),
    histogram('freshet_load_seconds', 'How long loads took.', 'load', spaces),
    histogram('freshet_fence_lag_seconds', 'Age of the fence at each hit.', 'hitAge', spaces),
    histogram('freshet_stale_age_seconds', 'Age of what was answered while D1 failed.', 'staleAge', spaces),
    histogram('freshet_fence_refresh_seconds', 'How long refreshes of the fence took.', 'refresh', [
      [{}, fleet],
    ]),
    gauge(
      'freshet_max_staleness_seconds',
      'What freshet_fence_lag_seconds must stay below.',
      Object.entries(namespaces).map(([namespace, ms]) => [{ namespace }, ms / 1000]),
      'seconds',
    ),
    gauge('freshet_isolates', 'Isolates that told of themselves, on average.', [[{}, measured.isolates]]),
    gauge('freshet_dead_letters', 'Messages that no retry could help.', [
      [{}, pipeline?.deadLetters ?? null],
    ]),
    gauge('freshet_unprocessed_events', 'Events that nobody has processed.', [
      [{}, pipeline?.unprocessed ?? null],
    ]),
    gauge(
      'freshet_oldest_unprocessed_event_seconds',
      'How long the oldest of them has waited.',
      [[{}, pipeline === null ? null : Math.max(0, now - (pipeline.oldestUnprocessedAt ?? now)) / 1000]],
      'seconds',
    ),
    gauge(
      'freshet_queue_backlog',
      'Messages that wait in a queue.',
      Object.entries(measured.backlogs).map(([queue, n]) => [{ queue }, n]),
    ),
  ]
  return `${families.flat().join('\n')}\n# EOF\n`
}

function byOutcome(counts: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(counts).map(([outcome, n]) => [{ outcome }, n])
}

/** One set of sums for each label. */
function bounded({ sums, namespaces }: Measured): Record<string, Sums> {
  const own: Record<string, Sums> = {}
  for (const name of Object.keys(namespaces)) own[name] = {}
  for (const [name, one] of Object.entries(sums)) {
    const label = name === FLEET || Object.hasOwn(namespaces, name) ? name : OTHER
    own[label] ??= {}
    addTo(own[label], one)
  }
  return own
}

/** A family without samples is left out. */
function family(
  name: string,
  type: 'counter' | 'gauge' | 'histogram',
  help: string,
  unit: string | undefined,
  lines: readonly string[],
): string[] {
  if (lines.length === 0) return []
  const head = [`# TYPE ${name} ${type}`, ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`])]
  return [...head, `# HELP ${name} ${help}`, ...lines]
}

function histogramLines(name: string, labels: Labels, histogram: Histogram, created: number): string[] {
  let seen = 0
  let next = 0
  let sum = 0
  for (const [bucket, n] of histogram.entries()) sum += n * middleOf(bucket)
  const buckets = BOUNDS.map((bound) => {
    // Times are whole milliseconds, rounded down: what is below the bound is in the buckets before the bound's own.
    for (const end = bucketOf(bound); next < end; next++) seen += histogram[next] ?? 0
    return line(`${name}_bucket`, { ...labels, le: number(bound / 1000) }, seen)
  })
  const count = sizeOf(histogram)
  return [
    ...buckets,
    line(`${name}_bucket`, { ...labels, le: '+Inf' }, count),
    line(`${name}_count`, labels, count),
    line(`${name}_sum`, labels, sum / 1000),
    line(`${name}_created`, labels, created),
  ]
}

function line(name: string, labels: Labels, value: number): string {
  const inner = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
  return `${name}${inner.length === 0 ? '' : `{${inner.join(',')}}`} ${number(value)}`
}

/** OpenMetrics wants `le` as a float in its canonical form. */
function number(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? `${value}.0` : String(value)
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
