import * as v from 'valibot'
import { withDeadline } from '../deadline.ts'
import type { Database, Runtime } from '../ports.ts'

const DEADLINE_MS = 3_000

/** The row of the log that a pattern came from. */
export interface LoggedEvent {
  id: string
  type: string
  createdAt: number
  processedAt: number | null
}

const EVENTS = `SELECT seq, event_id AS id, type, created_at AS createdAt, processed_at AS processedAt
FROM invalidation_log WHERE seq IN (SELECT value FROM json_each(?1))`
const EventRow = v.object({
  seq: v.number(),
  id: v.string(),
  type: v.string(),
  createdAt: v.number(),
  processedAt: v.nullable(v.number()),
})

/** @returns the events by their place in the log; those that it no longer has, or while D1 does not answer, are left out */
export async function eventsAt(
  db: Database,
  runtime: Runtime,
  of: readonly { seq: number | null }[],
): Promise<Map<number, LoggedEvent>> {
  const seqs = [...new Set(of.flatMap(({ seq }) => (seq === null ? [] : [seq])))]
  if (seqs.length === 0) return new Map()
  try {
    const reading = db.batch([db.prepare(EVENTS).bind(JSON.stringify(seqs))])
    const [result] = await withDeadline(runtime, reading, DEADLINE_MS, 'the log')
    const rows = v.parse(v.array(EventRow), result?.results)
    return new Map(rows.map(({ seq, ...event }) => [seq, event]))
  } catch {
    return new Map()
  }
}
