import type { Statement, StatementResult } from '../ports.ts'

/** An event as the invalidation log keeps it. */
export interface LogEvent {
  /** Globally unique; a second event of the same id changes nothing. */
  id: string
  /** Such as `content.update`. */
  type: string
  /** JSON; checked against the type's schema by whoever made it. */
  payload: unknown
  /** What it invalidates, derived when it was written. */
  patterns: readonly string[]
}

/** One change and its event. Both are committed or neither is; a change that changed no row logs nothing. */
export interface Change {
  /** The guarded statement that makes the change (`UPDATE … WHERE id = ? AND version = ?`). */
  statement: Statement
  /**
   * The SQL table that the statement changes. To be named where the table may have triggers that write the log
   * (docs/operations.md, *Writes from anywhere*): this change then takes the row that they wrote, and adds none.
   */
  table?: string
  /**
   * Further statements of the same transaction, run after the log row. They must guard themselves, and the event must name
   * what they change as well.
   */
  after?: Statement[]
  event: Omit<LogEvent, 'id'> & { id?: string }
}

/** What became of one change. */
export interface ChangeResult {
  /** Whether the guarded statement changed a row, and so an event was logged. */
  changed: boolean
  eventId: string
  /** Its place in the log; null when nothing changed. */
  seq: number | null
  /** Result of the guarded statement. */
  result: StatementResult
}

/** What became of a write. */
export interface WriteResult {
  changes: ChangeResult[]
  /** Whoever sends this bookmark with a read sees the write, anywhere. Null when nothing changed. */
  bookmark: string | null
}
