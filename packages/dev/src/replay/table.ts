import type { Source } from './cms-client.ts'
import type { Figures, Saving } from './figures.ts'
import { isMet, PLAN } from './plan.ts'
import type { Latency } from './quantiles.ts'

/** A figure, and what the plan asks of it. */
type Row = [label: string, value: string, plan?: string]

/** The figures as a table for people. */
export function tableOf(figures: Figures): string {
  const { hitRate, training } = figures
  const rows: Row[] = [
    ...(training === null ? [] : trainingRows(training)),
    [
      'requests',
      `${count(figures.requests)} (${count(figures.reads)} reads, ${count(figures.writes)} writes)`,
    ],
    ['hit rate, memory', percent(hitRate.memory), planned(hitRate.memory, PLAN.memoryHits)],
    [
      'hit rate, KV',
      `${percent(hitRate.kv)}, ${percent(hitRate.kvOfMisses)} of memory's misses`,
      planned(hitRate.kvOfMisses, PLAN.kvHitsOfMisses),
    ],
    [
      'hit rate, combined',
      `${percent(hitRate.combined)}, ${percent(figures.ofIdeal)} of the ideal`,
      planned(hitRate.combined, PLAN.combinedHits),
    ],
    ['ideal hit rate', percent(figures.ideal)],
    latencyRow('latency, memory', 'memory', figures),
    latencyRow('latency, KV', 'kv', figures),
    latencyRow('latency, database', 'database', figures),
    ['latency, cache off', latency(figures.latencyMs.uncached)],
    savingRow('mean time of a read', figures.readMs, milliseconds, PLAN.readTimeReduction),
    savingRow('D1 queries of the API', figures.d1Queries, count, PLAN.d1QueryReduction),
    savingRow('D1 round trips', figures.d1RoundTrips, count, PLAN.d1QueryReduction),
    ['stale reads', `${count(figures.staleReads)} (older than ${figures.boundMs} ms allow)`],
    ['errors', count(figures.errors)],
    [
      'time',
      `${figures.seconds.toFixed(1)} s, ${count(Math.round(figures.requests / figures.seconds))} requests/s`,
    ],
  ]
  if (figures.labelledStale > 0) rows.push(['served stale, labelled', count(figures.labelledStale)])
  const labels = Math.max(...rows.map(([label]) => label.length))
  const values = Math.max(...rows.map(([, value, plan]) => (plan === undefined ? 0 : value.length)))
  return rows
    .map(([label, value, plan]) => {
      const end = plan === undefined ? value : `${value.padEnd(values)}  plan: ${plan}`
      return `  ${label.padEnd(labels)}  ${end}`
    })
    .join('\n')
}

function trainingRows({ requests, seconds, popular, warmJobs }: NonNullable<Figures['training']>): Row[] {
  const jobs =
    warmJobs === null ? 'no warm batch' : `${count(warmJobs.done)} of ${count(warmJobs.sent)} warm jobs done`
  return [
    [
      'training',
      `${count(requests)} requests in ${seconds.toFixed(1)} s, ${count(popular)} popular recipes, ${jobs}`,
    ],
  ]
}

function latencyRow(label: string, tier: Source, { latencyMs, underPlanned }: Figures): Row {
  const share = underPlanned[tier]
  if (share === null) return [label, latency(latencyMs[tier])]
  return [label, latency(latencyMs[tier]), `< ${PLAN.underMs[tier]} ms, ${percent(share)} are`]
}

function savingRow(
  label: string,
  { cached, uncached, reduction }: Saving,
  show: (value: number) => string,
  target: { from: number },
): Row {
  const saved = reduction < 0 ? `${percent(-reduction)} more` : `${percent(reduction)} less`
  return [
    label,
    `${show(cached)}, with the cache off ${show(uncached)}: ${saved}`,
    planned(reduction, target),
  ]
}

function planned(share: number, target: { from: number; to?: number }): string {
  const whole = (value: number) => Math.round(value * 100)
  const range =
    target.to === undefined
      ? `at least ${whole(target.from)} %`
      : `${whole(target.from)}–${whole(target.to)} %`
  return `${range}, ${isMet(share, target) ? 'met' : 'missed'}`
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`
}

function milliseconds(value: number): string {
  return `${value.toFixed(2)} ms`
}

function latency(figures: Latency | null): string {
  if (figures === null) return 'none'
  const { mean, p50, p95, p99 } = figures
  return `mean ${milliseconds(mean)}, p50 ${milliseconds(p50)}, p95 ${milliseconds(p95)}, p99 ${milliseconds(p99)} (${count(figures.count)})`
}
