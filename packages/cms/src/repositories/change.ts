import type { Change, Database, Runtime, Statement } from '@freshet/cache-core'
import type { CmsEvent } from '../events/event.ts'
import { patternsOfEvent } from '../events/rules.ts'
import type { TriggerTable } from '../triggers/tables.ts'

/** What repositories need of the world: times and ids of new rows. */
export type Clock = Pick<Runtime, 'now' | 'uuid'>

/** The log's side of a change: an event with what it invalidates. */
export function eventOf(event: CmsEvent, id?: string): Change['event'] {
  return {
    ...(id !== undefined && { id }),
    type: event.type,
    payload: event.payload,
    patterns: patternsOfEvent(event),
  }
}

/**
 * The guard of a statement that follows a change in its transaction: true only when that very change was made, and so
 * logged. The row's version would not do, since another writer may have brought it to the same number.
 */
export const IF_LOGGED = 'EXISTS (SELECT 1 FROM invalidation_log WHERE event_id = ?)'

/**
 * A guarded statement with its event.
 * @param table what the statement changes: where it has triggers that write the log, their row becomes the event's
 * @param after statements of the same transaction that follow the log row, each with a guard of its own
 */
export function changeOf(
  table: TriggerTable,
  statement: Statement,
  event: Change['event'],
  after: Statement[] = [],
): Change {
  return { table, statement, after, event }
}

/** @returns a statement with its values bound */
export function sql(db: Database, text: string, values: readonly (string | number | null)[]): Statement {
  return db.prepare(text).bind(...values)
}
