import * as v from 'valibot'
import type { Database, Statement, StatementResult } from '../ports.ts'
import type { LogEvent } from '../write/types.ts'

const COLUMNS = 'INSERT INTO invalidation_log (event_id, type, payload, patterns, created_at)'
const SeqRow = v.object({ seq: v.number() })

/**
 * The log row of a guarded statement. It stands right after that statement, in the same batch: what changed no row logs none.
 * @param now clock, ms
 */
export function appendIfChanged(db: Database, event: LogEvent, now: number): Statement {
  return bindEvent(
    db.prepare(`${COLUMNS} SELECT ?, ?, ?, ?, ? WHERE changes() > 0 RETURNING seq`),
    event,
    now,
  )
}

/** A log row for an event that stands alone; one of an id that is already there adds nothing. */
export function append(db: Database, event: LogEvent, now: number): Statement {
  const sql = `${COLUMNS} VALUES (?, ?, ?, ?, ?) ON CONFLICT (event_id) DO NOTHING RETURNING seq`
  return bindEvent(db.prepare(sql), event, now)
}

/** @returns the seq that an append got, or null when it added nothing */
export function decodeSeq(result: StatementResult | undefined): number | null {
  return v.parse(v.array(SeqRow), result?.results)[0]?.seq ?? null
}

function bindEvent(statement: Statement, event: LogEvent, now: number): Statement {
  return statement.bind(
    event.id,
    event.type,
    JSON.stringify(event.payload ?? null),
    JSON.stringify(event.patterns),
    now,
  )
}
