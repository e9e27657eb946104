import * as v from 'valibot'
import type { Database, Statement, StatementResult } from '../ports.ts'
import type { LogEvent } from '../write/types.ts'

const COLUMNS = 'INSERT INTO invalidation_log (event_id, type, payload, patterns, created_at)'
const SeqRow = v.object({ seq: v.number() })

/** How the event ids of rows begin that a table's triggers wrote; no event of a program has such an id. */
export const TRIGGER_EVENT_PREFIX = 'sql:'

/** The triggers of a table that write the log whoever changes it, one for each operation. */
export function triggerNames(table: string): { insert: string; update: string; delete: string } {
  return {
    insert: `freshet_${table}_insert`,
    update: `freshet_${table}_update`,
    delete: `freshet_${table}_delete`,
  }
}

/**
 * The row that the guarded statement's own trigger wrote just now, if the table has all three: then it is the log's last.
 * Each condition errs to a row of our own, which is only one too many; a row of an earlier commit would be one too old.
 */
const TRIGGERED = `(SELECT seq FROM invalidation_log WHERE seq = (SELECT max(seq) FROM invalidation_log)
AND substr(event_id, 1, ${TRIGGER_EVENT_PREFIX.length}) = '${TRIGGER_EVENT_PREFIX}' AND type = ?2
AND (SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?6 AND name IN (?7, ?8, ?9)) = 3)`

/** One statement for both ways, so that triggers can come and go under a Worker that is running. */
const APPEND_OR_CLAIM = `INSERT INTO invalidation_log (seq, event_id, type, payload, patterns, created_at)
SELECT ${TRIGGERED}, ?1, ?2, ?3, ?4, ?5 WHERE changes() > 0
ON CONFLICT (seq) DO UPDATE SET event_id = excluded.event_id, payload = excluded.payload, created_at = excluded.created_at,
patterns = (SELECT json_group_array(DISTINCT value) FROM (SELECT value FROM json_each(excluded.patterns)
UNION ALL SELECT value FROM json_each(invalidation_log.patterns)))
RETURNING seq`

/**
 * The log row of a guarded statement. It stands right after that statement, in the same batch: what changed no row logs none.
 * @param now clock, ms
 * @param table the table that the statement changes, where it may have triggers that write the log. If it has, their row
 *   becomes the event's, and there is no second one.
 */
export function appendIfChanged(db: Database, event: LogEvent, now: number, table?: string): Statement {
  if (table === undefined) {
    const sql = `${COLUMNS} SELECT ?, ?, ?, ?, ? WHERE changes() > 0 RETURNING seq`
    return db.prepare(sql).bind(...valuesOf(event, now))
  }
  const names = triggerNames(table)
  return db
    .prepare(APPEND_OR_CLAIM)
    .bind(...valuesOf(event, now), table, names.insert, names.update, names.delete)
}

const SETTLE = `UPDATE invalidation_log SET processed_at = ?2 WHERE seq > (SELECT seq FROM invalidation_log WHERE event_id = ?1)
AND processed_at IS NULL AND substr(event_id, 1, ${TRIGGER_EVENT_PREFIX.length}) = '${TRIGGER_EVENT_PREFIX}'`

/**
 * Settles what triggers logged of the statements that followed an event's own, in the same batch: the event speaks for
 * them, so nobody has to hear of them once more.
 * @param now clock, ms
 */
export function settleFollowing(db: Database, event: LogEvent, now: number): Statement {
  return db.prepare(SETTLE).bind(event.id, now)
}

/** A log row for an event that stands alone; one of an id that is already there adds nothing. */
export function append(db: Database, event: LogEvent, now: number): Statement {
  const sql = `${COLUMNS} VALUES (?, ?, ?, ?, ?) ON CONFLICT (event_id) DO NOTHING RETURNING seq`
  return db.prepare(sql).bind(...valuesOf(event, now))
}

/** @returns the seq that an append got, or null when it added nothing */
export function decodeSeq(result: StatementResult | undefined): number | null {
  return v.parse(v.array(SeqRow), result?.results)[0]?.seq ?? null
}

function valuesOf({ id, type, payload, patterns }: LogEvent, now: number): (string | number)[] {
  return [id, type, JSON.stringify(payload ?? null), JSON.stringify(patterns), now]
}
