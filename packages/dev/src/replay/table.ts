import type { Figures } from './figures.ts'
import type { Latency } from './quantiles.ts'

/** The figures as a table for people. */
export function tableOf(figures: Figures): string {
  const { hitRate, latencyMs } = figures
  const rows: [label: string, value: string][] = [
    [
      'requests',
      `${count(figures.requests)} (${count(figures.reads)} reads, ${count(figures.writes)} writes)`,
    ],
    ['hit rate, memory', percent(hitRate.memory)],
    ['hit rate, KV', percent(hitRate.kv)],
    ['hit rate, combined', `${percent(hitRate.combined)}, ${percent(figures.ofIdeal)} of the ideal`],
    ['ideal hit rate', percent(figures.ideal)],
    ['latency, memory', latency(latencyMs.memory)],
    ['latency, KV', latency(latencyMs.kv)],
    ['latency, database', latency(latencyMs.database)],
    ['latency, cache off', latency(latencyMs.uncached)],
    [
      'D1 queries of the API',
      `${count(figures.d1Queries)}, with the cache off ${count(figures.d1QueriesUncached)} for the reads alone`,
    ],
    ['stale reads', `${count(figures.staleReads)} (older than ${figures.boundMs} ms allow)`],
    ['errors', count(figures.errors)],
    [
      'time',
      `${figures.seconds.toFixed(1)} s, ${count(Math.round(figures.requests / figures.seconds))} requests/s`,
    ],
  ]
  if (figures.labelledStale > 0) rows.push(['served stale, labelled', count(figures.labelledStale)])
  const width = Math.max(...rows.map(([label]) => label.length))
  return rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`).join('\n')
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`
}

function latency(figures: Latency | null): string {
  if (figures === null) return 'none'
  const milliseconds = (value: number) => `${value.toFixed(2)} ms`
  return `p50 ${milliseconds(figures.p50)}, p95 ${milliseconds(figures.p95)}, p99 ${milliseconds(figures.p99)} (${count(figures.count)})`
}
