import { chart } from './chart.ts'
import type { Analytics, Figures, Point, Span, Verification } from './figures.ts'

/** All that a report is made of. */
export interface Material {
  /** Whose figures they are. */
  host: string
  analytics: Analytics
  /** The last 24 hours by hour, and the last hour by minute. */
  day: readonly Point[]
  hour: readonly Point[]
  /** Δ by namespace, ms. */
  deltas: Readonly<Record<string, number>>
  verification: Verification
}

/** The report, in Markdown. */
export function reportOf({ host, analytics, day, hour, deltas, verification }: Material): string {
  const { lastHour, lastDay, lastWeek, topKeys, recommendations } = analytics
  const parts = [
    `# How the cache of ${host} does`,
    `As of ${lastHour.to}. All isolates together, as they tell of themselves every 10 to 60 s. Quantiles are within 1/16 of the true ones; the hit rate is hits ÷ (hits + misses + stale answers).`,
    '## At a glance',
    summary([
      ['last hour', lastHour],
      ['last 24 h', lastDay],
      ['last 7 days', lastWeek],
    ]),
    ...charts('The last hour', 'minutes', hour),
    ...charts('The last 24 hours', 'hours', day),
    '## Namespaces, last 24 h',
    namespaces(lastDay.namespaces, deltas),
    '## Verification',
    verified(verification),
    '## Read most',
    topKeys.length === 0
      ? 'Nothing was read.'
      : table(
          ['key', 'reads, decayed', 'share', 'a load takes'],
          topKeys.map(({ key, score, share, costMs }) => [
            code(key ?? 'a resource that is no more'),
            whole(score),
            percent(share),
            ms(costMs),
          ]),
        ),
    '## What to change',
    recommendations.length === 0
      ? 'Nothing, by these figures.'
      : recommendations
          .map(({ severity, title, why, action }) => `- **${title}** (${severity}). ${why} ${action}`)
          .join('\n'),
  ]
  return `${parts.join('\n\n')}\n`
}

function summary(spans: readonly (readonly [string, Span])[]): string {
  const rows: [string, (total: Span['total']) => string][] = [
    ['reads', ({ reads }) => whole(reads)],
    ['hit rate', ({ hitRate }) => percent(hitRate)],
    ['from memory', ({ memoryHits, reads }) => percent(ratio(memoryHits, reads))],
    ['from KV', ({ kvHits, reads }) => percent(ratio(kvHits, reads))],
    ['stale answers', ({ stale }) => whole(stale)],
    ['past the cache', ({ bypasses }) => whole(bypasses)],
    ['D1 queries, saved / made', ({ saved, d1 }) => `${whole(saved.queries)} / ${whole(d1.queries)}`],
    ['failed loads', ({ loadErrors }) => whole(loadErrors)],
    ['a load takes, p50 / p99', ({ latencyMs }) => pair(latencyMs.load)],
    ['a read of KV, p50 / p99', ({ latencyMs }) => pair(latencyMs.kvRead)],
    ['a refresh of the fence, p50 / p99', ({ latencyMs }) => pair(latencyMs.refresh)],
    ['age of the fence at a hit, p50 / p99', ({ fenceLagMs }) => pair(fenceLagMs)],
    ['rows not read, less KV and queues', ({ saved }) => usd(saved.usd)],
    ['isolates, on average', ({ isolates }) => isolates.toFixed(1)],
  ]
  return table(
    ['', ...spans.map(([name]) => name)],
    rows.map(([name, of]) => [name, ...spans.map(([, { total }]) => of(total))]),
  )
}

/** Steps with reads, below which a chart says nothing. */
const FEWEST = 5

/** @param unit what one of the points is, in the plural */
function charts(title: string, unit: string, points: readonly Point[]): string[] {
  if (points.filter(({ reads }) => reads > 0).length < FEWEST) return []
  const line = (of: (point: Point) => number | null | undefined) => ({
    kind: 'line' as const,
    values: points.map(of),
  })
  const bars = (of: (point: Point) => number | null | undefined) => ({ ...line(of), kind: 'bar' as const })
  return [
    `## ${title}`,
    'A step without reads is drawn like the one before it, but for the reads themselves.',
    chart('Hit rate', unit, '%', [line(({ hitRate }) => hitRate && hitRate * 100)]),
    chart('Reads (bars), of them from memory, KV and D1 (lines)', unit, 'reads', [
      bars(({ reads }) => reads),
      line(({ memoryHits }) => memoryHits),
      line(({ kvHits }) => kvHits),
      line(({ misses }) => misses),
    ]),
    chart('A load from D1: p99 (bars) and p50 (line)', unit, 'ms', [
      bars(({ loadMs }) => loadMs?.p99),
      line(({ loadMs }) => loadMs?.p50),
    ]),
    chart('How old answers may have been: p99 (bars) and p50 (line)', unit, 'ms', [
      bars(({ stalenessMs }) => stalenessMs?.p99),
      line(({ stalenessMs }) => stalenessMs?.p50),
    ]),
  ]
}

function namespaces(of: Readonly<Record<string, Figures>>, deltas: Readonly<Record<string, number>>): string {
  const rows = Object.entries(of).sort(([, a], [, b]) => b.reads - a.reads)
  if (rows.length === 0) return 'Nothing was read.'
  return table(
    ['namespace', 'reads', 'hit rate', 'loads', 'invalidated', 'load p99', 'fence p99 / Δ', 'queries saved'],
    rows.map(([name, one]) => [
      code(name),
      whole(one.reads),
      percent(one.hitRate),
      whole(one.loads),
      whole(one.invalidByFence),
      ms(one.latencyMs.load?.p99),
      `${ms(one.fenceLagMs?.p99)} / ${ms(deltas[name])}`,
      whole(one.saved.queries),
    ]),
  )
}

function verified({ sample, confidence, lastHour, lastDay, total }: Verification): string {
  const limit = `wrong at most, with ${confidence * 100} % confidence`
  const rows = [
    ['hits compared with D1, last hour', lastHour.hits],
    ['hits compared with D1, last 24 h', lastDay.hits],
    ['writes followed, last hour', lastHour.delayed],
    ['writes followed, last 24 h', lastDay.delayed],
  ] as const
  return [
    `${sample === 0 ? 'No hits are' : `${Number((sample * 100).toPrecision(6))} % of the hits are`} compared.${total === 0 ? '' : ` **${whole(total)} ${total === 1 ? 'violation is' : 'violations are'} kept: see /admin/cache in a browser.**`}`,
    table(
      ['', 'checks', 'violations', limit],
      rows.map(([name, { checks, violations, upperLimit }]) => [
        name,
        whole(checks),
        whole(violations),
        upperLimit === null ? '–' : roundedUp(upperLimit),
      ]),
    ),
  ].join('\n\n')
}

/** An upper limit must hold as it is written, however small it is. */
function roundedUp(share: number): string {
  const step = 10 ** (Math.floor(Math.log10(share * 100)) - 1)
  return `${Math.min(100, Number((Math.ceil((share * 100) / step - 1e-9) * step).toPrecision(2)))} %`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')
}

function code(text: string): string {
  return `\`${text.replaceAll('`', "'")}\``
}

function pair(quantiles: { p50: number; p99: number } | null): string {
  return quantiles === null ? '–' : `${ms(quantiles.p50)} / ${ms(quantiles.p99)}`
}

function ms(value: number | undefined): string {
  return value === undefined ? '–' : `${value >= 100 ? whole(value) : Math.round(value * 10) / 10} ms`
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function ratio(of: number, by: number): number | null {
  return by === 0 ? null : of / by
}

function percent(share: number | null): string {
  return share === null ? '–' : `${(share * 100).toFixed(1)} %`
}

function usd(value: number): string {
  return value === 0 ? '$0' : `${value < 0 ? '−' : ''}$${Math.abs(value).toPrecision(2)}`
}
