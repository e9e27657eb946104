/** Sums of the pipeline by name, such as `warm.high.loaded`. */
type Counts = Readonly<Record<string, number>>

/** What became of the jobs of each lane. */
type Lanes = Record<string, { outcomes: Record<string, number>; meanWaitMs: number | null }>

/** What warming did in a span of time, and what it was good for. */
export interface WarmingSummary {
  /** Jobs by lane and outcome, and how long those that were done had waited on average. */
  lanes: Lanes
  /** Hits of isolates that have told of them, and those of them on what a warm job brought. */
  hits: { total: number; onWarmed: number; share: number | null }
}

/** Counted beside the outcomes: what the mean wait is made of. */
const WAITS = ['done', 'wait_ms']

/** @param fleet what all isolates counted in the same time */
export function summarizeWarming(
  counts: Counts,
  fleet: { hits: number; warmedHits: number },
): WarmingSummary {
  const { hits: total, warmedHits: onWarmed } = fleet
  return { lanes: summarizeLanes(counts), hits: { total, onWarmed, share: ratio(onWarmed, total) } }
}

/** The jobs alone, by lane. */
export function summarizeLanes(counts: Counts): Lanes {
  const lanes: Lanes = {}
  for (const [name, value] of Object.entries(counts)) {
    const [, lane, what] = /^warm\.([^.]+)\.(.+)$/.exec(name) ?? []
    if (lane === undefined || what === undefined || WAITS.includes(what)) continue
    lanes[lane] ??= {
      outcomes: {},
      meanWaitMs: ratio(counts[`warm.${lane}.wait_ms`], counts[`warm.${lane}.done`]),
    }
    lanes[lane].outcomes[what] = value
  }
  return lanes
}

function ratio(of = 0, by = 0): number | null {
  return by === 0 ? null : of / by
}
