import { type Database, DatabaseUnavailableError, type Query } from '@freshet/cache-core'

/**
 * Reads straight from D1, past the cache: what a guarded write starts from must not be older than it needs to be.
 * @returns what the query found, or null
 * @throws DatabaseUnavailableError when D1 fails, as the cache's own methods do
 */
export async function readCurrent<T>(db: Database, query: Query<T>): Promise<T | null> {
  const results = await db.batch(query.statements).catch((error) => {
    throw new DatabaseUnavailableError(`D1 failed: ${String(error)}`, { cause: error })
  })
  return query.decode(results)
}
