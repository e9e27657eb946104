import type { Database, Statement } from '../ports.ts'

/** Sums by name, such as `warm.high.loaded`. */
export type Counts = Record<string, number>

const ADD = `INSERT INTO pipeline_counts (minute, name, value)
SELECT ?1, key, value FROM json_each(?2) WHERE true
ON CONFLICT (minute, name) DO UPDATE SET value = value + excluded.value`

/** Counts older than this are of no use to anybody. */
const KEEP_MS = 48 * 3_600_000

/**
 * Adds counts to those of the minute.
 * @param now clock, ms
 */
export function countStatement(db: Database, counts: Counts, now: number): Statement {
  return db.prepare(ADD).bind(Math.floor(now / 60_000), JSON.stringify(counts))
}

/** Drops counts of the day before yesterday. */
export function forgetCounts(db: Database, now: number): Statement {
  return db.prepare('DELETE FROM pipeline_counts WHERE minute < ?').bind(Math.floor((now - KEEP_MS) / 60_000))
}
