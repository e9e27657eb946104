import * as v from 'valibot'
import type { Database, Statement, StatementResult } from '../ports.ts'

/** Rows in one page of the tail. */
export const TAIL_PAGE = 1000

/**
 * What tells a row from any other that ever had its place. The event's id alone does not: of a row that a restore took, the
 * message may still be on its way, and is then logged again, perhaps at the very same position, though its data is gone.
 */
export const ROW_ID = "event_id || '@' || created_at"

/**
 * One statement, and so one transaction: the rows after a position together with the head, the prune mark, the epoch and
 * the event at that position. Read by two queries, a row committed between them would be lost for good.
 */
const TAIL_SQL = `SELECT s.epoch, s.pruned_to, (SELECT max(seq) FROM invalidation_log) AS max_seq,
(SELECT ${ROW_ID} FROM invalidation_log ORDER BY seq DESC LIMIT 1) AS max_event_id,
(SELECT ${ROW_ID} FROM invalidation_log WHERE seq = ?1) AS event_id_at_head,
t.seq, ${ROW_ID} AS event_id, t.patterns FROM invalidation_state s
LEFT JOIN invalidation_log t ON t.seq > ?1
WHERE s.id = 1 ORDER BY t.seq LIMIT ${TAIL_PAGE}`

/** A row of the log as the fence needs it. */
export interface TailRow {
  seq: number
  eventId: string
  patterns: readonly string[]
}

/** The log after a position, as of one moment. */
export interface Tail {
  epoch: string
  prunedTo: number
  /** The log's head at that moment; 0 for an empty log. */
  maxSeq: number
  maxEventId: string | null
  /** The event at the position asked from; null when its row is gone. */
  eventIdAtHead: string | null
  rows: TailRow[]
  /** Whether rows may follow the last one here. */
  truncated: boolean
}

const Row = v.object({
  epoch: v.string(),
  pruned_to: v.number(),
  max_seq: v.nullable(v.number()),
  max_event_id: v.nullable(v.string()),
  event_id_at_head: v.nullable(v.string()),
  seq: v.nullable(v.number()),
  event_id: v.nullable(v.string()),
  // Whatever stands there was meant to invalidate something; not knowing what, everything.
  patterns: v.nullable(v.fallback(v.pipe(v.string(), v.parseJson(), v.array(v.string())), ['*'])),
})

/** @param head the position after which to read */
export function tailStatement(db: Database, head: number): Statement {
  return db.prepare(TAIL_SQL).bind(head)
}

/**
 * @throws Error when the log's state row is missing; ValiError when D1 answered something else than the statement's rows
 */
export function decodeTail(result: StatementResult | undefined): Tail {
  const parsed = v.parse(v.array(Row), result?.results)
  const [state] = parsed
  if (state === undefined) throw new Error('the invalidation log has no state row: run its migrations')
  const rows: TailRow[] = []
  for (const row of parsed) {
    if (row.seq !== null && row.event_id !== null) {
      rows.push({ seq: row.seq, eventId: row.event_id, patterns: row.patterns ?? [] })
    }
  }
  return {
    epoch: state.epoch,
    prunedTo: state.pruned_to,
    maxSeq: state.max_seq ?? 0,
    maxEventId: state.max_event_id,
    eventIdAtHead: state.event_id_at_head,
    rows,
    truncated: rows.length >= TAIL_PAGE,
  }
}
