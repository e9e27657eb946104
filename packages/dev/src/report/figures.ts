import * as v from 'valibot'

// As much of the operator's JSON as a report needs; every answer is checked.

const Quantiles = v.nullable(
  v.object({ count: v.number(), p50: v.number(), p95: v.number(), p99: v.number(), max: v.number() }),
)
const Percentiles = v.nullable(v.object({ p50: v.number(), p99: v.number() }))

const Figures = v.object({
  reads: v.number(),
  memoryHits: v.number(),
  kvHits: v.number(),
  misses: v.number(),
  stale: v.number(),
  bypasses: v.number(),
  hitRate: v.nullable(v.number()),
  loads: v.number(),
  loadErrors: v.number(),
  invalidByFence: v.number(),
  fenceLagMs: Quantiles,
  latencyMs: v.object({ kvRead: Quantiles, load: Quantiles }),
  saved: v.object({ queries: v.number(), rowsUsd: v.number(), spentUsd: v.number(), usd: v.number() }),
})
export type Figures = v.InferOutput<typeof Figures>

const Total = v.object({
  ...Figures.entries,
  latencyMs: v.object({ kvRead: Quantiles, load: Quantiles, refresh: Quantiles }),
  isolates: v.number(),
  d1: v.object({ queries: v.number(), errors: v.number(), refreshes: v.number() }),
})

const Span = v.object({
  from: v.string(),
  to: v.string(),
  total: Total,
  namespaces: v.record(v.string(), Figures),
})
export type Span = v.InferOutput<typeof Span>

export const AnalyticsAnswer = v.object({
  data: v.object({
    lastHour: Span,
    lastDay: Span,
    lastWeek: Span,
    topKeys: v.array(
      v.object({ key: v.nullable(v.string()), score: v.number(), share: v.number(), costMs: v.number() }),
    ),
    recommendations: v.array(
      v.object({ severity: v.string(), title: v.string(), why: v.string(), action: v.string() }),
    ),
  }),
})
export type Analytics = v.InferOutput<typeof AnalyticsAnswer>['data']

const Point = v.object({
  at: v.string(),
  reads: v.number(),
  memoryHits: v.number(),
  kvHits: v.number(),
  misses: v.number(),
  hitRate: v.nullable(v.number()),
  loadMs: Percentiles,
  kvReadMs: Percentiles,
  stalenessMs: Percentiles,
  savedQueries: v.number(),
})
export type Point = v.InferOutput<typeof Point>

export const TrendsAnswer = v.object({ data: v.object({ points: v.array(Point) }) })

const Checked = v.object({ checks: v.number(), violations: v.number(), upperLimit: v.nullable(v.number()) })
const CheckedSpan = v.object({ hits: Checked, delayed: Checked })

export const VerificationAnswer = v.object({
  data: v.object({
    sample: v.number(),
    confidence: v.number(),
    lastHour: CheckedSpan,
    lastDay: CheckedSpan,
    /** Violations that are kept, since somebody last forgot them. */
    total: v.number(),
  }),
})
export type Verification = v.InferOutput<typeof VerificationAnswer>['data']

export const NamespaceAnswer = v.object({
  data: v.object({ policy: v.object({ maxStalenessMs: v.number() }) }),
})
