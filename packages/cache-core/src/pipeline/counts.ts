import * as v from 'valibot'
import type { Database, Statement } from '../ports.ts'
import type { Query } from '../source.ts'
import type { Lane } from './warm-job.ts'

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

const NOTE = `INSERT INTO pipeline_counts (minute, name, value) VALUES (?1, 'backlog.' || ?2, ?3)
ON CONFLICT (minute, name) DO UPDATE SET value = excluded.value`

/**
 * Notes how many messages wait in a warm lane: only the consumer may ask those queues, and others want to know.
 * @param now clock, ms
 */
export function laneBacklogStatement(db: Database, lane: Lane, waiting: number, now: number): Statement {
  return db.prepare(NOTE).bind(Math.floor(now / 60_000), lane, waiting)
}

const COUNT_LETTERS = `INSERT INTO pipeline_counts (minute, name, value)
SELECT first_seen_at / 60000, CASE WHEN instr(queue, 'warm') > 0 THEN 'jobs.dead' ELSE 'events.dead' END, count(*)
FROM dead_letters WHERE first_seen_at >= ?1 GROUP BY 1, 2
ON CONFLICT (minute, name) DO UPDATE SET value = max(value, excluded.value)`

/** How long a dead letter is counted for: the schedule may skip a minute. */
const LETTERS_MS = 5 * 60_000

/** Counts the dead letters of the last minutes, as often as one likes: those that somebody has replayed meanwhile stay counted. */
export function countLetters(db: Database, now: number): Statement {
  return db.prepare(COUNT_LETTERS).bind(Math.floor((now - LETTERS_MS) / 60_000) * 60_000)
}

/** What waited in a lane when it was last looked at. */
export interface LaneBacklog {
  waiting: number
  /** The minute of it, clock, ms. */
  at: number
}

const LaneRow = v.object({
  lane: v.picklist(['high', 'low']),
  waiting: v.number(),
  minute: v.number(),
})

/** The newest note of each lane; none of a lane that nobody has looked at for 48 hours. */
export function laneBacklogs(db: Database): Query<Partial<Record<Lane, LaneBacklog>>> {
  const newest = db.prepare(
    `SELECT substr(name, 9) AS lane, value AS waiting, max(minute) AS minute FROM pipeline_counts
WHERE name IN ('backlog.high', 'backlog.low') GROUP BY name`,
  )
  return {
    statements: [newest],
    decode: ([found]) =>
      Object.fromEntries(
        v
          .parse(v.array(LaneRow), found?.results)
          .map(({ lane, waiting, minute }) => [lane, { waiting, at: minute * 60_000 }]),
      ),
  }
}

/** Drops counts of the day before yesterday. */
export function forgetCounts(db: Database, now: number): Statement {
  return db.prepare('DELETE FROM pipeline_counts WHERE minute < ?').bind(Math.floor((now - KEEP_MS) / 60_000))
}
