import { covers } from '../keys/pattern.ts'
import type { Recipe } from '../source.ts'
import { eventsOf, recipeText, type WarmJob } from './warm-job.ts'

/** A pattern, and the newest position of the log at which it invalidates. */
export type SeqPattern = [pattern: string, seq: number]

/** Patterns of one batch are few; more than this are no longer compared with each other. */
const MAX_COMPARED = 500

/**
 * The fewest patterns that say the same: of equal ones the newest, and none that another one covers with a position at
 * least as high. Any order of the same patterns comes to the same result.
 */
export function coalescePatterns(patterns: readonly SeqPattern[]): SeqPattern[] {
  const newest = new Map<string, number>()
  for (const [pattern, seq] of patterns) newest.set(pattern, Math.max(seq, newest.get(pattern) ?? 0))
  const distinct = [...newest].sort(([a], [b]) => (a < b ? -1 : 1))
  const broad = distinct.filter(([pattern]) => pattern.includes('*')).slice(0, MAX_COMPARED)
  return distinct.filter(
    ([pattern, seq]) =>
      !broad.some(([other, at]) => other !== pattern && at >= seq && covers(other, pattern)),
  )
}

/** What one event says about warming: recipes that are worth having ready after it, and such as nobody can read any more. */
export interface EventPlan {
  jobs: readonly WarmJob[]
  gone?: readonly Recipe[]
}

/**
 * The jobs that are left of many events: one a recipe, with the highest priority and the newest position. What the newest
 * event that speaks of a recipe calls gone is not warmed: a create, an update and a delete of one item come to nothing.
 * @param plans in any order; each with its event's position in the log
 */
export function coalescePlans(
  plans: readonly (EventPlan & { eventId?: string; seq: number; bookmark: string })[],
): WarmJob[] {
  const jobs = new Map<string, { job: WarmJob; seq: number }>()
  const goneAt = new Map<string, number>()
  for (const { gone = [], seq } of plans) {
    for (const recipe of gone) {
      const text = recipeText(recipe)
      goneAt.set(text, Math.max(seq, goneAt.get(text) ?? 0))
    }
  }
  for (const { jobs: own, seq, bookmark, eventId } of plans) {
    for (const planned of own) {
      const job = eventId === undefined ? planned : { ...planned, events: [eventId] }
      const text = recipeText(job.recipe)
      if (seq <= (goneAt.get(text) ?? -1)) continue
      const other = jobs.get(text)
      jobs.set(
        text,
        other === undefined ? { job: { ...job, bookmark }, seq } : merge(other, job, seq, bookmark),
      )
    }
  }
  return [...jobs.values()].map(({ job }) => job)
}

/** Of two jobs for one recipe the first in line, at the newer position. */
function merge(other: { job: WarmJob; seq: number }, job: WarmJob, seq: number, bookmark: string) {
  const isFirst =
    job.priority < other.job.priority ||
    (job.priority === other.job.priority && job.reason < other.job.reason)
  const newer = seq > other.seq ? bookmark : other.job.bookmark
  return {
    job: { ...(isFirst ? job : other.job), bookmark: newer, ...eventsOf(other.job.events, job.events) },
    seq: Math.max(seq, other.seq),
  }
}
