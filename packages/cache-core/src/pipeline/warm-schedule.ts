import type { Database } from '../ports.ts'
import type { Recipe } from '../source.ts'
import { sendJobs, type WarmQueues } from '../warmer.ts'
import { backlogOf } from './backlog.ts'
import { laneBacklogStatement } from './counts.ts'
import { type Popular, popularRecipes } from './popularity.ts'
import type { WarmJob } from './warm-job.ts'

/** Priorities: what an operator names in the high lane; in the low one what every page needs before what is merely read much. */
const PRIORITY = { named: 3, planned: 5, popular: 6 } as const
/** A backlog in the low lane from which on nothing is added to it. */
const FULL_BACKLOG = 1_000
/** What expires before the next batch has done its work is loaded in this one. */
const AHEAD_MS = 330_000
/** Whatever its life: a full warm-up loads everything anew. */
const ANEW_MS = 30 * 86_400_000
/** A job that the next batch will send again is not worth doing any more. */
const DEADLINE_MS = 300_000
/** A full warm-up may take its time. */
const FULL_DEADLINE_MS = 3_600_000

/** Which of the popular recipes a batch takes: those that cover so much of the reads, but no more than so many. */
const COVERAGE = { share: 0.9, usual: 1_000, full: 5_000 } as const

/**
 * How many jobs a scheduled batch may send: fewer the more is waiting already, none while D1 is overloaded.
 * @param cap when nothing waits
 */
export function warmAllowance(state: { backlog: number; isOverloaded: boolean }, cap: number): number {
  if (state.isOverloaded) return 0
  return Math.floor(cap * Math.max(0, 1 - state.backlog / FULL_BACKLOG))
}

/** What a scheduled batch warms, and why it may. */
export interface ScheduledBatch {
  planned: readonly Recipe[]
  popular: readonly Omit<Popular, 'share'>[]
  /** At most so many jobs. */
  allowance: number
  /** Whether everything is loaded anew, whatever life it has left. */
  isFull: boolean
  /** Clock, ms. */
  now: number
}

/** The jobs of a scheduled batch: what the content model plans first, then what is read most, by expected benefit. */
export function scheduledJobs({ planned, popular, allowance, isFull, now }: ScheduledBatch): WarmJob[] {
  const minLifeMs = isFull ? ANEW_MS : AHEAD_MS
  const deadline = now + (isFull ? FULL_DEADLINE_MS : DEADLINE_MS)
  const reason = isFull ? 'full warm-up' : 'schedule'
  const own = planned.map(
    (recipe): WarmJob => ({ recipe, priority: PRIORITY.planned, reason, minLifeMs, deadline }),
  )
  const read = popular.map(
    ({ recipe, score, costMs }): WarmJob => ({
      recipe,
      priority: PRIORITY.popular,
      reason: isFull ? reason : 'popular',
      // Reads × what a load costs. A cost that was never measured is that of any other load.
      benefit: score * Math.max(1, costMs),
      minLifeMs,
      deadline,
    }),
  )
  return [...own, ...read.sort((a, b) => (b.benefit ?? 0) - (a.benefit ?? 0))].slice(0, allowance)
}

/**
 * Sends jobs for what an operator names: for readers who are waiting, as it were.
 * @param now clock, ms
 * @returns how many
 */
export function warmNamed(recipes: readonly Recipe[], queues: WarmQueues, now: number): Promise<number> {
  const jobs = recipes.map(
    (recipe): WarmJob => ({
      recipe,
      priority: PRIORITY.named,
      reason: 'operator',
      deadline: now + FULL_DEADLINE_MS,
    }),
  )
  return sendJobs(jobs, queues, now)
}

/** What a scheduled batch needs. */
export interface WarmScheduleDeps {
  db: Database
  queues: WarmQueues
  planned(): Promise<readonly Recipe[]>
  /** Whether a recipe still exists, and is one that may be warmed: what is popular was so under another deploy, perhaps. */
  isWarmable(recipe: Recipe): boolean
  /** Whether D1 has more to do than it can. */
  isOverloaded: boolean
  /** Clock, ms. */
  now: number
}

/**
 * Sends a scheduled batch of warm jobs, as large as the backlog allows.
 * @param kind `full`: the daily warm-up, which loads everything anew; `asked`: the same for an operator, who has it whatever waits
 * @returns how many jobs were sent
 */
export async function warmOnSchedule(
  deps: WarmScheduleDeps,
  kind: 'usual' | 'full' | 'asked',
): Promise<number> {
  const { db, queues, isOverloaded, isWarmable, now } = deps
  const isFull = kind !== 'usual'
  const cap = isFull ? COVERAGE.full : COVERAGE.usual
  const backlog = kind === 'asked' ? 0 : await lowBacklog(deps)
  const allowance = warmAllowance({ backlog, isOverloaded: isOverloaded && kind !== 'asked' }, cap)
  if (allowance === 0) return 0
  const [planned, popular] = await Promise.all([
    deps.planned(),
    popularRecipes(db, { share: COVERAGE.share, cap }, now),
  ])
  const batch = {
    planned: planned.filter(isWarmable),
    popular: popular.filter(({ recipe }) => isWarmable(recipe)),
  }
  return sendJobs(scheduledJobs({ ...batch, allowance, isFull, now }), queues, now)
}

/** Looks at both lanes and notes what waits there: where nothing is consumed any more, nobody else does. @returns the low one's */
async function lowBacklog({ db, queues, now }: WarmScheduleDeps): Promise<number> {
  const [high, low] = await Promise.all([backlogOf(queues.high), backlogOf(queues.low)])
  const noted = [
    ...(high === null ? [] : [laneBacklogStatement(db, 'high', high, now)]),
    ...(low === null ? [] : [laneBacklogStatement(db, 'low', low, now)]),
  ]
  // A note for people: no batch is worth less for want of it.
  if (noted.length > 0) await db.batch(noted).catch(() => [])
  return low ?? 0
}
