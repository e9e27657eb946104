/** How well something is. `idle` and `unknown` are no complaints. */
export type Health = 'ok' | 'idle' | 'unknown' | 'warning' | 'critical'

/** From where on a figure is worth a warning, and from where on it is critical. */
export const THRESHOLDS = {
  deadLetters: { warning: 1 },
  oldestUnprocessedSeconds: { warning: 5 * 60, critical: 30 * 60 },
  backlog: { warning: 1_000 },
} as const

/** Figures of the pipeline; null where nobody could be asked. */
export interface PipelineFigures {
  deadLetters: number | null
  /** 0 when no event waits. */
  oldestUnprocessedSeconds: number | null
  backlog: number | null
}

/** Judges a figure: from 1 dead letter on, but past 5 minutes and past 1,000 messages. */
export function judgeFigures(figures: PipelineFigures): Record<keyof PipelineFigures, Health> {
  const { deadLetters, oldestUnprocessedSeconds: oldest, backlog } = figures
  return {
    deadLetters: judge(deadLetters, (n) => (n >= THRESHOLDS.deadLetters.warning ? 'warning' : 'ok')),
    oldestUnprocessedSeconds: judge(oldest, (seconds) => {
      if (seconds > THRESHOLDS.oldestUnprocessedSeconds.critical) return 'critical'
      return seconds > THRESHOLDS.oldestUnprocessedSeconds.warning ? 'warning' : 'ok'
    }),
    backlog: judge(backlog, (n) => (n > THRESHOLDS.backlog.warning ? 'warning' : 'ok')),
  }
}

function judge(figure: number | null, of: (figure: number) => Health): Health {
  return figure === null ? 'unknown' : of(figure)
}

/** What all checks come to. */
export function worst(checks: readonly Health[]): 'ok' | 'warning' | 'critical' {
  if (checks.includes('critical')) return 'critical'
  return checks.includes('warning') ? 'warning' : 'ok'
}
