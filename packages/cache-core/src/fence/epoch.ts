import type { Database } from '../ports.ts'
import { DatabaseUnavailableError, type Sql } from '../sql.ts'

/**
 * Starts a new epoch, since the database was found restored. Compare-and-set: of many isolates that find it at once, one
 * does it. Epochs are random, not counted: a restore also brings back an old count.
 * @param from the epoch that the restored database still has
 * @throws DatabaseUnavailableError when D1 fails: some reader is waiting for this
 */
export async function moveEpoch(db: Database, sql: Sql, from: string, uuid: string): Promise<void> {
  const to = uuid.replaceAll('-', '').slice(0, 16)
  const move = db.prepare('UPDATE invalidation_state SET epoch = ? WHERE id = 1 AND epoch = ?').bind(to, from)
  try {
    await sql.write(db, [move])
  } catch (error) {
    throw new DatabaseUnavailableError(`D1 failed: ${String(error)}`, { cause: error })
  }
}
