import * as v from 'valibot'
import { RecipeSchema } from '../source.ts'

const VERSION = 1

const Count = v.pipe(v.number(), v.minValue(0))

const StatsMessageSchema = v.object({
  v: v.literal(VERSION),
  reads: v.array(v.object({ recipe: RecipeSchema, reads: Count, costMs: Count })),
  counts: v.record(v.string(), Count),
})

/** What an isolate tells of itself on `cache-stats`: deltas since it last did, so that they add up in any order. */
export type StatsMessage = v.InferOutput<typeof StatsMessageSchema>

export function statsMessage(stats: Omit<StatsMessage, 'v'>): StatsMessage {
  return { v: VERSION, ...stats }
}

/** @returns null for anything else: statistics are not worth a dead letter */
export function parseStatsMessage(body: unknown): StatsMessage | null {
  const parsed = v.safeParse(StatsMessageSchema, body)
  return parsed.success ? parsed.output : null
}
