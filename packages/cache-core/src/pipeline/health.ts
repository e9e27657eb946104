/** How well something is. `idle` and `unknown` are no complaints. */
export type Health = 'ok' | 'idle' | 'unknown' | 'warning' | 'critical'

/** From where on a figure is worth a warning, and from where on it is critical; null for never. */
export interface Thresholds {
  warning: number | null
  critical: number | null
}

/** One thing that is looked at. */
export interface HealthCheck {
  name: string
  status: Health
  /** Null where it is no number, or nobody could be asked. */
  value: number | null
  unit: string
  thresholds: Thresholds
  /** What to do about it. */
  runbook: string
  /** In words. */
  says: string
}

/** What is known of the cache and its pipeline. What nobody could be asked is null; what is left out is not looked at. */
export interface HealthFigures {
  d1: 'answers' | 'does not answer' | 'breaker open'
  isKvOpen: boolean
  /** Since the fence was last asked for, ms; null for never, as in an isolate that nobody has used. */
  fenceAgeMs?: number | null
  deadLetters: number | null
  /** 0 when no event waits. */
  oldestUnprocessedSeconds: number | null
  backlog: number | null
  /** Violations that online verification found in the last 24 hours. */
  violations: number | null
}

/** What a figure is, in one place: an API isolate, the webhook and the docs say the same. A figure over a threshold is past it. */
const CHECKS = {
  fenceLag: {
    unit: 'ms',
    thresholds: { warning: 10_000, critical: 60_000 },
    runbook: 'fence-lag',
    says: (n: number) =>
      `the log’s news was last asked for ${n < 1_000 ? `${n} ms` : `${Math.round(n / 1_000)} s`} ago`,
  },
  deadLetters: {
    unit: 'messages',
    thresholds: { warning: 0, critical: null },
    runbook: 'dead-letters',
    says: (n: number) =>
      n === 0
        ? 'there are none'
        : n === 1
          ? '1 message that no retry could help'
          : `${n} messages that no retry could help`,
  },
  oldestUnprocessed: {
    unit: 's',
    thresholds: { warning: 300, critical: 1_800 },
    runbook: 'events-pile-up',
    says: (n: number) => (n === 0 ? 'no event waits' : `the oldest event has waited for ${n} s`),
  },
  backlog: {
    unit: 'messages',
    thresholds: { warning: 1_000, critical: null },
    runbook: 'events-pile-up',
    says: (n: number) => (n === 1 ? '1 message waits in the queue' : `${n} messages wait in the queue`),
  },
  verification: {
    unit: 'violations',
    thresholds: { warning: null, critical: 0 },
    runbook: 'violations',
    says: (n: number) =>
      n === 0
        ? 'no violation within 24 hours'
        : `${n === 1 ? '1 value was' : `${n} values were`} served within 24 hours that should not have been`,
  },
} as const satisfies Record<
  string,
  { unit: string; thresholds: Thresholds; runbook: string; says(n: number): string }
>

const NEVER: Thresholds = { warning: null, critical: null }

/** Judges all figures. */
export function judgeHealth(figures: HealthFigures): {
  status: 'ok' | 'warning' | 'critical'
  checks: HealthCheck[]
} {
  const { d1, isKvOpen, fenceAgeMs } = figures
  const checks: HealthCheck[] = [
    {
      ...flag('d1', d1 === 'answers' ? 'ok' : 'critical', 'd1-is-down'),
      says:
        d1 === 'answers'
          ? 'it answers'
          : d1 === 'breaker open'
            ? 'its breaker is open'
            : 'it does not answer',
    },
    {
      ...flag('kv', isKvOpen ? 'warning' : 'ok', 'kv-is-down'),
      says: isKvOpen ? 'its breaker is open: it fails, or is slow' : 'its breaker is closed',
    },
  ]
  if (fenceAgeMs === null)
    checks.push({ ...number('fenceLag', null), status: 'idle', says: 'nobody has read yet' })
  else if (fenceAgeMs !== undefined) checks.push(number('fenceLag', fenceAgeMs))
  checks.push(
    number('deadLetters', figures.deadLetters),
    number('oldestUnprocessed', figures.oldestUnprocessedSeconds),
    number('backlog', figures.backlog),
    number('verification', figures.violations),
  )
  return { status: worst(checks.map(({ status }) => status)), checks }
}

function flag(name: string, status: Health, section: string): Omit<HealthCheck, 'says'> {
  return { name, status, value: null, unit: '', thresholds: NEVER, runbook: runbookAt(section) }
}

function number(name: keyof typeof CHECKS, value: number | null): HealthCheck {
  const { unit, thresholds, runbook, says } = CHECKS[name]
  const about = { name, value, unit, thresholds, runbook: runbookAt(runbook) }
  if (value === null) return { ...about, status: 'unknown', says: 'nobody could be asked' }
  return { ...about, status: past(value, thresholds), says: says(value) }
}

function past(value: number, { warning, critical }: Thresholds): Health {
  if (critical !== null && value > critical) return 'critical'
  return warning !== null && value > warning ? 'warning' : 'ok'
}

function runbookAt(section: string): string {
  return `docs/operations.md#${section}`
}

/** What all checks come to. */
function worst(all: readonly Health[]): 'ok' | 'warning' | 'critical' {
  if (all.includes('critical')) return 'critical'
  return all.includes('warning') ? 'warning' : 'ok'
}
