import * as v from 'valibot'
import { canonicalParams } from '../keys/params.ts'
import { type Recipe, RecipeSchema } from '../source.ts'
import { splitBatches } from './batches.ts'

const VERSION = 1

const Time = v.pipe(v.number(), v.minValue(0))

/** Events that a job names, of however many it follows from: enough to find their batch in the log. */
const MAX_EVENTS = 3

const WarmMessageSchema = v.object({
  v: v.literal(VERSION),
  recipe: RecipeSchema,
  priority: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(9)),
  reason: v.string(),
  bookmark: v.optional(v.string()),
  benefit: v.optional(Time),
  minLifeMs: v.optional(Time),
  deadline: v.optional(Time),
  bornAt: v.optional(Time),
  events: v.optional(v.pipe(v.array(v.string()), v.maxLength(MAX_EVENTS))),
})

/** A request to load one recipe into KV ahead of its readers. Times are clocks of whoever made it, ms. */
export interface WarmJob {
  recipe: Recipe
  /** 0 first, 9 last. */
  priority: number
  /** Why, for people: `content.publish`, `schedule`. */
  reason: string
  /** Position that the value must have seen. */
  bookmark?: string | undefined
  /** What it is expected to save: reads × the time of a load. Among jobs of one priority the highest goes first. */
  benefit?: number | undefined
  /** What KV holds will not do when its life ends within this, ms: to be ahead of the expiry of what is read much. */
  minLifeMs?: number | undefined
  /** Not worth doing after this. */
  deadline?: number | undefined
  /** When it was first sent. Stays when it is deferred. */
  bornAt?: number | undefined
  /** Ids of events that it follows from, the first few. */
  events?: readonly string[] | undefined
}

/** The two queues of jobs: a bulk backlog in the low one never delays a publish. */
export type Lane = 'high' | 'low'

/** Priorities up to this are for readers who are waiting, as it were. */
const LAST_HIGH = 4
/** One batch of events sends no more jobs than this to the high lane; the rest of a bulk publish can wait. */
const MOST_HIGH = 50

/** Two recipes with the same text are the same. */
export function recipeText(recipe: Recipe): string {
  return `${recipe.resource}?${canonicalParams(recipe.params)}`
}

/** The order of jobs: by priority, then by what each is expected to save. */
function byUrgency(a: WarmJob, b: WarmJob): number {
  return a.priority - b.priority || (b.benefit ?? 0) - (a.benefit ?? 0)
}

/** One job a recipe: the highest priority and benefit, the newest bookmark, the longest life and time win, in order of urgency. */
export function coalesceJobs(jobs: readonly WarmJob[]): WarmJob[] {
  const byRecipe = new Map<string, WarmJob>()
  for (const job of jobs) {
    const text = recipeText(job.recipe)
    const other = byRecipe.get(text)
    byRecipe.set(text, other === undefined ? job : merge(job, other))
  }
  return [...byRecipe.values()].sort(byUrgency)
}

function merge(a: WarmJob, b: WarmJob): WarmJob {
  const first = byUrgency(a, b) < 0 ? a : b
  return {
    ...first,
    bookmark: newestBookmark(a.bookmark, b.bookmark),
    benefit: most(a.benefit, b.benefit),
    minLifeMs: most(a.minLifeMs, b.minLifeMs),
    // Without a deadline it is worth doing at any time.
    deadline:
      a.deadline === undefined || b.deadline === undefined ? undefined : Math.max(a.deadline, b.deadline),
    bornAt:
      a.bornAt === undefined || b.bornAt === undefined
        ? (a.bornAt ?? b.bornAt)
        : Math.min(a.bornAt, b.bornAt),
    ...eventsOf(a.events, b.events),
  }
}

/** The first few events of two jobs for one recipe, in an order that does not depend on which came first. */
export function eventsOf(
  a: readonly string[] | undefined,
  b: readonly string[] | undefined,
): { events?: readonly string[] } {
  if (a === undefined && b === undefined) return {}
  return { events: [...new Set([...(a ?? []), ...(b ?? [])])].sort().slice(0, MAX_EVENTS) }
}

function most(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b)
}

/** Of two bookmarks of one epoch the later one; of different epochs either makes a strong read, so any will do. */
export function newestBookmark(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const seq = (text: string) => Number(text.slice(text.indexOf('.') + 1))
  return seq(a) >= seq(b) ? a : b
}

/** Which jobs go to which queue: the urgent ones to the high lane, as long as they are few. */
export function lanesOf(jobs: readonly WarmJob[]): Record<Lane, WarmJob[]> {
  const sorted = coalesceJobs(jobs)
  const urgent = sorted.filter(({ priority }) => priority <= LAST_HIGH).length
  const split = Math.min(urgent, MOST_HIGH)
  return { high: sorted.slice(0, split), low: sorted.slice(split) }
}

/** Jobs as messages, coalesced, in batches that a queue takes. */
export function warmMessages(jobs: readonly WarmJob[]): { body: WarmJob & { v: number } }[][] {
  return splitBatches(coalesceJobs(jobs).map((job) => ({ v: VERSION, ...job })))
}

/** One job as a message. */
export function warmMessage(job: WarmJob): WarmJob & { v: number } {
  return { v: VERSION, ...job }
}

/** @returns the job, or in words what is wrong with it */
export function parseWarmMessage(body: unknown): { job: WarmJob } | { problem: string } {
  const parsed = v.safeParse(WarmMessageSchema, body)
  if (!parsed.success) {
    return {
      problem: parsed.issues
        .map((issue) => `${v.getDotPath(issue) ?? 'message'}: ${issue.message}`)
        .join('; '),
    }
  }
  const { v: _version, ...job } = parsed.output
  return { job }
}
