import * as v from 'valibot'
import type { Database } from '../ports.ts'

/** A row of the log as the consumer needs it. */
const LoggedRow = v.object({
  event_id: v.string(),
  seq: v.number(),
  type: v.string(),
  payload: v.pipe(v.string(), v.parseJson()),
  // What cannot be read invalidates everything, but it sweeps nothing.
  patterns: v.fallback(v.pipe(v.string(), v.parseJson(), v.array(v.string())), []),
  processed_at: v.nullable(v.number()),
  swept_at: v.nullable(v.number()),
  sweep_link: v.nullable(v.string()),
  epoch: v.string(),
})
export type Logged = v.InferOutput<typeof LoggedRow>

const FIND = `SELECT l.event_id, l.seq, l.type, l.payload, l.patterns, l.processed_at,
l.swept_at, l.sweep_link, s.epoch
FROM json_each(?1) w JOIN invalidation_log l ON l.event_id = w.value JOIN invalidation_state s ON s.id = 1`

/**
 * What became of each event of a batch. One that another batch has finished meanwhile stays as it is; and one that was finished,
 * pruned and logged once more is another row, for which nothing has been done yet.
 */
const MARK = `UPDATE invalidation_log SET
received_at = coalesce(received_at, ?2),
swept = swept + (e.value ->> 'swept'),
swept_at = CASE WHEN e.value ->> 'isSwept' THEN ?3 ELSE swept_at END,
sweep_link = e.value ->> 'next',
warm_jobs = max(warm_jobs, e.value ->> 'warmJobs'),
processed_at = CASE WHEN e.value ->> 'isDone' THEN ?3 ELSE NULL END
FROM json_each(?1) e WHERE seq = e.value ->> 'seq' AND event_id = e.value ->> 'id' AND processed_at IS NULL
AND sweep_link IS (e.value ->> 'link') RETURNING event_id`
/** For charts: the rows that are processed now, and those whose sweep goes on in another message. */
const COUNT = `INSERT INTO pipeline_counts (minute, name, value)
SELECT ?3, CASE WHEN l.processed_at IS NULL THEN 'events.sweeping' ELSE 'events.processed' END, count(*)
FROM json_each(?1) e JOIN invalidation_log l ON l.seq = e.value ->> 'seq' AND l.event_id = e.value ->> 'id'
WHERE l.processed_at = ?2 OR (l.processed_at IS NULL AND l.sweep_link IS (e.value ->> 'next')) GROUP BY 2
ON CONFLICT (minute, name) DO UPDATE SET value = value + excluded.value`
const MarkedRow = v.object({ event_id: v.string() })

/** What this batch did about one event. */
export interface Progress {
  id: string
  seq: number
  warmJobs: number
  swept: number
  isSwept: boolean
  isDone: boolean
  /** What the row names as the message that goes on with its sweep, when it was read and from now on. */
  link: string | null
  next: string | null
}

/** @returns the rows of those events that the log knows, by id */
export async function findLogged(db: Database, ids: readonly string[]): Promise<Map<string, Logged>> {
  if (ids.length === 0) return new Map()
  const [result] = await db.batch([db.prepare(FIND).bind(JSON.stringify(ids))])
  return new Map(v.parse(v.array(LoggedRow), result?.results).map((row) => [row.event_id, row]))
}

/**
 * Notes in the log what a batch did.
 * @param receivedAt, now clock, ms
 * @returns the ids of the events whose rows were as they had been read: those of others are somebody else's work
 */
export async function mark(
  db: Database,
  progress: readonly Progress[],
  receivedAt: number,
  now: number,
): Promise<Set<string>> {
  if (progress.length === 0) return new Set()
  const rows = JSON.stringify(progress)
  const [result] = await db.batch([
    db.prepare(MARK).bind(rows, receivedAt, now),
    db.prepare(COUNT).bind(rows, now, Math.floor(now / 60_000)),
  ])
  return new Set(v.parse(v.array(MarkedRow), result?.results).map((row) => row.event_id))
}
