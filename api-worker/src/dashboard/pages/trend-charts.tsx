import { chartOf, type Line } from '../chart.ts'
import { Chart } from '../components.tsx'
import { type Point, shareOf, type Trends } from '../figures.ts'
import { count, duration, percent } from '../format.ts'

/** Hit rate and reads over time. */
export function ReadCharts({ trends }: { trends: Trends }) {
  const of = (unit: 'share' | 'count', lines: Line<Point>[]) =>
    chartOf(unit, seen(trends), trends.stepSeconds * 1000, lines)
  return (
    <div class="two">
      <Chart
        id="chart-hits"
        title="Hit rate by tier"
        says="Answered from the cache, of all reads that went through it."
        say={percent}
        chart={of('share', [
          { label: 'Memory + KV', ink: 'kv', of: (one) => one.hitRate },
          { label: 'Memory alone', ink: 'memory', dash: true, of: (one) => shareOf(one, one.memoryHits) },
        ])}
      />
      <Chart
        id="chart-reads"
        title="Reads by where they were answered from"
        says={`In steps of ${duration(trends.stepSeconds * 1000)}. The last one is not complete.`}
        say={count}
        chart={of('count', [
          { label: 'Memory', ink: 'memory', of: (one) => one.memoryHits },
          { label: 'KV', ink: 'kv', of: (one) => one.kvHits },
          { label: 'D1', ink: 'database', of: (one) => one.misses },
          { label: 'Stale', ink: 'stale', dash: true, of: (one) => one.stale },
        ])}
      />
    </div>
  )
}

/** What readers wait for, and how old what they get may be. */
export function TimeCharts({ trends, deltaMs }: { trends: Trends; deltaMs: number | null }) {
  const of = (lines: Line<Point>[]) => chartOf('ms', seen(trends), trends.stepSeconds * 1000, lines)
  return (
    <div class="two">
      <Chart
        id="chart-latency"
        title="Latency"
        says="Of the reads that memory could not answer. Memory hits wait for nothing."
        say={duration}
        chart={of([
          { label: 'KV p50', ink: 'kv', of: (one) => one.kvReadMs?.p50 },
          { label: 'KV p99', ink: 'kv', dash: true, of: (one) => one.kvReadMs?.p99 },
          { label: 'D1 p50', ink: 'database', of: (one) => one.loadMs?.p50 },
          { label: 'D1 p99', ink: 'database', dash: true, of: (one) => one.loadMs?.p99 },
        ])}
      />
      <Chart
        id="chart-staleness"
        title="Staleness against Δ"
        says="How long ago what was answered was last known to be current. Δ bounds it."
        say={duration}
        chart={of([
          { label: 'p50', ink: 'memory', of: (one) => one.stalenessMs?.p50 },
          { label: 'p99', ink: 'stale', of: (one) => one.stalenessMs?.p99 },
          ...(deltaMs === null ? [] : [{ label: 'Δ', ink: 'limit' as const, dash: true, of: () => deltaMs }]),
        ])}
      />
    </div>
  )
}

/** From the first step in which anything was read. */
function seen({ points }: Trends): Point[] {
  const first = points.findIndex(({ reads }) => reads > 0)
  return first === -1 ? [] : points.slice(first)
}
