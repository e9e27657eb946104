/** Sums of the pipeline by name, such as `warm.high.loaded` or `reads.warmedHits`. */
type Counts = Readonly<Record<string, number>>

/** What warming did in a span of time, and what it was good for. */
export interface WarmingSummary {
  /** Jobs by lane and outcome, and how long those that were done had waited on average. */
  lanes: Record<string, { outcomes: Record<string, number>; meanWaitMs: number | null }>
  /** Hits of isolates that have told of them, and those of them on what a warm job brought. */
  hits: { total: number; onWarmed: number; share: number | null }
}

/** Counted beside the outcomes: what the mean wait is made of. */
const WAITS = ['done', 'wait_ms']

export function summarizeWarming(counts: Counts): WarmingSummary {
  const lanes: WarmingSummary['lanes'] = {}
  for (const [name, value] of Object.entries(counts)) {
    const [, lane, what] = /^warm\.([^.]+)\.(.+)$/.exec(name) ?? []
    if (lane === undefined || what === undefined || WAITS.includes(what)) continue
    lanes[lane] ??= {
      outcomes: {},
      meanWaitMs: ratio(counts[`warm.${lane}.wait_ms`], counts[`warm.${lane}.done`]),
    }
    lanes[lane].outcomes[what] = value
  }
  const total = (counts['reads.memoryHits'] ?? 0) + (counts['reads.kvHits'] ?? 0)
  const onWarmed = counts['reads.warmedHits'] ?? 0
  return { lanes, hits: { total, onWarmed, share: ratio(onWarmed, total) } }
}

function ratio(of = 0, by = 0): number | null {
  return by === 0 ? null : of / by
}
