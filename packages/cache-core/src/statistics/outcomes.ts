/** How many events, and warm jobs of both lanes, came to what. */
export interface Outcomes {
  events: Record<string, number>
  warmJobs: Record<string, number>
}

/** Counted beside the outcomes of warm jobs: what their mean wait is made of. */
const WAITS = ['done', 'wait_ms']

/** Nothing counted yet. */
export function noOutcomes(): Outcomes {
  return { events: {}, warmJobs: {} }
}

/** Adds one of the pipeline's counts, where it is one of an outcome. @param name such as `warm.high.loaded`, `events.processed` */
export function addOutcome(into: Outcomes, name: string, n: number): void {
  const [, of, lane, outcome = ''] = /^(?:(events|jobs)|warm\.([^.]+))\.(.+)$/.exec(name) ?? []
  if (outcome === '' || (lane !== undefined && WAITS.includes(outcome))) return
  const counts = of === 'events' ? into.events : into.warmJobs
  counts[outcome] = (counts[outcome] ?? 0) + n
}
