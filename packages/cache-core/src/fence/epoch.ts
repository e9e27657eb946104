import type { Database, Statement } from '../ports.ts'
import { DatabaseUnavailableError, type Sql } from '../sql.ts'

/**
 * Starts a new epoch, since the database was found restored. Compare-and-set: of many that find it at once, one does it.
 * Epochs are random, not counted: a restore also brings back an old count.
 * @param from the epoch that the restored database still has
 */
export function epochMove(db: Database, from: string): Statement {
  return db
    .prepare('UPDATE invalidation_state SET epoch = lower(hex(randomblob(8))) WHERE id = 1 AND epoch = ?')
    .bind(from)
}

/**
 * Does so for a reader who waits.
 * @throws DatabaseUnavailableError when D1 fails
 */
export async function moveEpoch(db: Database, sql: Sql, from: string): Promise<void> {
  try {
    await sql.write(db, [epochMove(db, from)])
  } catch (error) {
    throw new DatabaseUnavailableError(`D1 failed: ${String(error)}`, { cause: error })
  }
}
