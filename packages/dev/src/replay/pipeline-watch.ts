import * as v from 'valibot'
import type { RunSql } from '../local/sql-worker.ts'

/** What the consumer knows of what is popular. */
export interface Popularity {
  recipes: number
  /** Clock of the last batch of counts, ms; 0 before the first. */
  updatedAt: number
}

const POPULARITY = 'SELECT count(*) AS recipes, coalesce(max(updated_at), 0) AS updatedAt FROM popularity'
const PopularityRow = v.object({ recipes: v.number(), updatedAt: v.number() })

/** Warm jobs that nobody will do again: those that are deferred or have failed come back. */
const SETTLED = `SELECT coalesce(sum(value), 0) AS jobs FROM pipeline_counts
WHERE name IN ('warm.low.done', 'warm.low.not found', 'warm.low.expired')`
const SettledRow = v.object({ jobs: v.number() })

/** Looks at what the consumer has learnt. */
export async function popularity(sql: RunSql): Promise<Popularity> {
  const [rows] = await sql([{ sql: POPULARITY, params: [] }])
  return v.parse(PopularityRow, rows?.[0])
}

/** How many jobs of the low lane are over and done with. */
export async function settledJobs(sql: RunSql): Promise<number> {
  const [rows] = await sql([{ sql: SETTLED, params: [] }])
  return v.parse(SettledRow, rows?.[0]).jobs
}

const WarmReport = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ step: v.literal('warm'), result: v.number() }),
)

/** How many jobs a scheduled batch has sent, where `line` is the consumer's report of one; otherwise null. */
export function jobsSent(line: string): number | null {
  // Most lines tell of something else, and there are a great many: not worth parsing.
  if (!line.includes('"warm"')) return null
  const parsed = v.safeParse(WarmReport, line)
  return parsed.success ? parsed.output.result : null
}
