import { DatabaseUnavailableError } from '@freshet/cache-core'

/**
 * Waits for what cannot be wrong in itself, such as a write that only appends: if it fails, D1 does. Nobody knows then whether
 * it was committed; to repeat it does no harm.
 * @throws DatabaseUnavailableError
 */
export async function orUnavailable<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    throw new DatabaseUnavailableError(`D1 failed: ${String(error)}`, { cause: error })
  }
}
