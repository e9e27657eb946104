import * as v from 'valibot'
import { canonicalParams } from '../keys/params.ts'
import type { Recipe } from '../source.ts'
import { splitBatches } from './batches.ts'

const VERSION = 1

const Scalar = v.union([v.string(), v.number(), v.boolean()])

const WarmMessageSchema = v.object({
  v: v.literal(VERSION),
  recipe: v.object({ resource: v.string(), params: v.record(v.string(), Scalar) }),
  priority: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(9)),
  reason: v.string(),
  bookmark: v.optional(v.string()),
})

/** A request to load one recipe into KV ahead of its readers. */
export interface WarmJob {
  recipe: Recipe
  /** 0 first, 9 last. */
  priority: number
  /** Why, for people: `content.publish`, `schedule`. */
  reason: string
  /** Position that the value must have seen. */
  bookmark?: string | undefined
}

/** Two recipes with the same text are the same. */
export function recipeText(recipe: Recipe): string {
  return `${recipe.resource}?${canonicalParams(recipe.params)}`
}

/** One job a recipe: the highest priority and the newest bookmark win, in order of priority. */
export function coalesceJobs(jobs: readonly WarmJob[]): WarmJob[] {
  const byRecipe = new Map<string, WarmJob>()
  for (const job of jobs) {
    const text = recipeText(job.recipe)
    const other = byRecipe.get(text)
    if (other === undefined) byRecipe.set(text, job)
    else {
      const first = job.priority < other.priority ? job : other
      byRecipe.set(text, { ...first, bookmark: newest(job.bookmark, other.bookmark) })
    }
  }
  return [...byRecipe.values()].sort((a, b) => a.priority - b.priority)
}

/** Of two bookmarks of one epoch the later one; of different epochs either makes a strong read, so any will do. */
function newest(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const seq = (text: string) => Number(text.slice(text.indexOf('.') + 1))
  return seq(a) >= seq(b) ? a : b
}

/** Jobs as messages, coalesced, in batches that a queue takes. */
export function warmMessages(jobs: readonly WarmJob[]): { body: WarmJob & { v: number } }[][] {
  return splitBatches(coalesceJobs(jobs).map((job) => ({ v: VERSION, ...job })))
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
  const { recipe, priority, reason, bookmark } = parsed.output
  return { job: { recipe, priority, reason, bookmark } }
}
