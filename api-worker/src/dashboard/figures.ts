import * as v from 'valibot'

// What the statistics' JSON routes answer, as far as pages show it.

const Quantiles = v.object({
  count: v.number(),
  p50: v.number(),
  p95: v.number(),
  p99: v.number(),
  max: v.number(),
})
const Saved = v.object({ queries: v.number(), rowsUsd: v.number(), spentUsd: v.number(), usd: v.number() })

const counts = {
  memoryHits: v.number(),
  kvHits: v.number(),
  misses: v.number(),
  stale: v.number(),
  bypasses: v.number(),
  reads: v.number(),
  hits: v.number(),
  hitRate: v.nullable(v.number()),
  loads: v.number(),
  loadErrors: v.number(),
  invalidByFence: v.number(),
  evictions: v.number(),
  kvReads: v.number(),
  kvWrites: v.number(),
  stalenessMs: v.nullable(Quantiles),
  saved: Saved,
}

export const Counts = v.object({
  ...counts,
  latencyMs: v.object({ kvRead: v.nullable(Quantiles), load: v.nullable(Quantiles) }),
})

const Span = v.object({
  from: v.string(),
  to: v.string(),
  total: v.object({
    ...counts,
    latencyMs: v.object({
      kvRead: v.nullable(Quantiles),
      load: v.nullable(Quantiles),
      refresh: v.nullable(Quantiles),
    }),
    d1: v.object({ queries: v.number(), errors: v.number() }),
    kv: v.object({ reads: v.number(), writes: v.number(), errors: v.number() }),
  }),
  namespaces: v.record(v.string(), Counts),
})

export const Stats = v.object({
  /** Of the isolate that answers, since it started. */
  total: v.object({
    memoryHits: v.number(),
    kvHits: v.number(),
    misses: v.number(),
    hitRate: v.nullable(v.number()),
  }),
  memory: v.object({ entries: v.number(), bytes: v.number(), evictions: v.number() }),
  fence: v.object({ head: v.number(), patterns: v.number(), ageMs: v.nullable(v.number()) }),
  fleet: v.nullable(v.object({ lastHour: Span, lastDay: Span })),
})

const Pair = v.nullable(v.object({ p50: v.number(), p99: v.number() }))

export const Trends = v.object({
  span: v.string(),
  stepSeconds: v.number(),
  points: v.array(
    v.object({
      at: v.pipe(
        v.string(),
        v.isoTimestamp(),
        v.transform((text) => Date.parse(text)),
      ),
      reads: v.number(),
      memoryHits: v.number(),
      kvHits: v.number(),
      misses: v.number(),
      stale: v.number(),
      hitRate: v.nullable(v.number()),
      kvReadMs: Pair,
      loadMs: Pair,
      stalenessMs: Pair,
      refreshMs: v.nullish(Pair, null),
      d1Queries: v.nullable(v.number()),
      isolates: v.nullable(v.number()),
      savedQueries: v.nullable(v.number()),
      backlog: v.nullable(v.number()),
      events: v.record(v.string(), v.number()),
      warmJobs: v.record(v.string(), v.number()),
    }),
  ),
})
export type Trends = v.InferOutput<typeof Trends>
export type Point = Trends['points'][number]

/** The spans that charts show, as the JSON routes call them. */
export const SPANS = ['hour', 'day', 'week', 'month'] as const

/** A tier's part of the hit rate, by its one definition; null where nothing was read. */
export function shareOf(point: Pick<Point, 'reads'>, hits: number): number | null {
  return point.reads === 0 ? null : hits / point.reads
}

/** Steps of a minute that are looked at together: an isolate tells of up to a minute, in the step in which it tells of it. */
const TOGETHER = 3

/** The most isolates that were there at once, by what they tell of themselves. */
export function mostIsolates({ points, stepSeconds }: Pick<Trends, 'points' | 'stepSeconds'>): number {
  const width = stepSeconds === 60 ? TOGETHER : 1
  // The last step is not over: what it says is as likely too much as too little. It is all there is at first.
  const told = points.map(({ isolates }) => isolates ?? 0)
  const whole = told.slice(0, -1).some((one) => one > 0) ? told.slice(0, -1) : told
  const first = Math.max(
    whole.findIndex((one) => one > 0),
    0,
  )
  let most = 0
  for (let end = first + 1; end <= whole.length; end++) {
    const some = whole.slice(Math.max(first, end - width), end)
    // One or two steps alone are no mean: at the beginning they count for what they are at least.
    most = Math.max(most, some.reduce((sum, one) => sum + one, 0) / width)
  }
  return most === 0 ? 0 : Math.max(1, Math.round(most))
}
