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

/** What became of the events of the log, and how many wait. */
export function EventChart({ trends }: { trends: Trends }) {
  return (
    <Chart
      id="chart-events"
      nothing="No event was processed in this hour. Each write of content, media, users or configuration is one."
      title="Events, last hour"
      says="What the consumer made of them, in steps of a minute, and how many messages waited for it."
      say={count}
      chart={chartOf(
        'count',
        since(trends, ({ events }) => events),
        trends.stepSeconds * 1000,
        [
          { label: 'Processed', ink: 'kv', of: ({ events }) => events.processed ?? 0 },
          { label: 'Sweep goes on', ink: 'memory', of: ({ events }) => events.sweeping ?? 0 },
          { label: 'Dead letters', ink: 'critical', of: ({ events }) => events.dead ?? 0 },
          { label: 'Waited in cache-events', ink: 'limit', dash: true, of: ({ backlog }) => backlog },
        ],
      )}
    />
  )
}

/** What became of warm jobs. */
export function JobChart({ trends }: { trends: Trends }) {
  return (
    <Chart
      id="chart-jobs"
      nothing="No job ran in this hour. Writes bring them, and the schedule every five minutes."
      title="Warm jobs, last hour"
      says="What became of them, both lanes together, in steps of a minute."
      say={count}
      chart={chartOf(
        'count',
        since(trends, ({ warmJobs }) => warmJobs),
        trends.stepSeconds * 1000,
        [
          { label: 'Loaded', ink: 'kv', of: ({ warmJobs }) => warmJobs.loaded ?? 0 },
          { label: 'Already there', ink: 'memory', of: ({ warmJobs }) => warmJobs.fresh ?? 0 },
          { label: 'Put off', ink: 'limit', dash: true, of: ({ warmJobs }) => warmJobs.deferred ?? 0 },
          {
            label: 'Failed',
            ink: 'critical',
            of: ({ warmJobs }) => (warmJobs.failed ?? 0) + (warmJobs.dead ?? 0),
          },
        ],
      )}
    />
  )
}

/** From the first step in which anything was read. */
function seen({ points }: Trends): Point[] {
  const first = points.findIndex(({ reads }) => reads > 0)
  return first === -1 ? [] : points.slice(first)
}

/** Steps that a chart has at least, however lately it began. */
const FEWEST = 15

/** From the first step in which the pipeline did any of it; none, where it did nothing. */
function since({ points }: Trends, counts: (point: Point) => Readonly<Record<string, number>>): Point[] {
  const first = points.findIndex((point) => Object.keys(counts(point)).length > 0)
  return first === -1 ? [] : points.slice(Math.min(first, points.length - FEWEST))
}
