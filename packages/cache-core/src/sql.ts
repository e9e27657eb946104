import { Breaker } from './breaker.ts'
import { DeadlineError, withDeadline } from './deadline.ts'
import type { Database, Runtime, Statement, StatementResult } from './ports.ts'
import type { Stats } from './stats.ts'

/** A read that takes longer counts as failed. */
const READ_DEADLINE_MS = 3_000
/**
 * Deadlines that pass within this count as one failure: they may be of one request, whose connections are held by something else
 * that hangs, and D1 was never asked.
 */
const ONE_FAILURE_MS = 1_000
/** A write is given longer: giving up on it leaves its outcome unknown. */
const WRITE_DEADLINE_MS = 10_000

/** Thrown when D1 failed, or is known to fail; `cause` has D1's own error. */
export class DatabaseUnavailableError extends Error {
  override name = 'DatabaseUnavailableError'
}

/** The isolate's way to D1: deadlines, a breaker, counts. */
export class Sql {
  readonly breaker = new Breaker()
  #deadlineAt = Number.NEGATIVE_INFINITY
  readonly #runtime: Runtime
  readonly #stats: Stats

  constructor(runtime: Runtime, stats: Stats) {
    this.#runtime = runtime
    this.#stats = stats
  }

  /**
   * Runs statements that only read, in one transaction.
   * @param probe go to D1 even while the breaker is open
   * @throws DatabaseUnavailableError when D1 fails, is too slow, or its breaker is open; D1's own error for a wrong statement
   */
  async read(db: Database, statements: Statement[], probe = false): Promise<StatementResult[]> {
    if (this.breaker.isOpen && !probe && !this.breaker.hasLapsed(this.#runtime.now()))
      throw new DatabaseUnavailableError('D1 is failing; not asked again before a probe succeeds')
    const asked = this.#runtime.now()
    try {
      const results = await withDeadline(this.#runtime, db.batch(statements), READ_DEADLINE_MS, 'a D1 read')
      this.breaker.succeeded()
      return results
    } catch (error) {
      this.#stats.d1.errors++
      // D1 is well: it has read the statement, and found it wrong.
      if (isStatementError(error)) throw error
      const now = this.#runtime.now()
      if (!(error instanceof DeadlineError) || this.#tellsOfD1(asked, now)) this.breaker.failed(now)
      throw new DatabaseUnavailableError(`D1 failed: ${String(error)}`, { cause: error })
    }
  }

  /** Whether a deadline that has passed says anything of D1 that is not known yet. */
  #tellsOfD1(asked: number, now: number): boolean {
    // One that comes far too late tells of an isolate that stood still.
    if (now - asked >= 2 * READ_DEADLINE_MS || Math.abs(now - this.#deadlineAt) < ONE_FAILURE_MS) return false
    this.#deadlineAt = now
    return true
  }

  /**
   * Runs a write, in one transaction. It is tried even while the breaker is open, since nothing else can do it.
   * @throws DatabaseUnavailableError when D1 fails or is too slow: the write may have happened all the same; D1's own error for a
   * wrong statement or a broken constraint
   */
  async write(db: Database, statements: Statement[]): Promise<StatementResult[]> {
    try {
      const results = await withDeadline(this.#runtime, db.batch(statements), WRITE_DEADLINE_MS, 'a D1 write')
      this.breaker.succeeded()
      return results
    } catch (error) {
      if (isStatementError(error)) throw error
      throw new DatabaseUnavailableError(`D1 failed: ${String(error)}`, { cause: error })
    }
  }
}

/**
 * Whether SQLite refused the statement itself: the fault of one query, and no reason to give up on all others. An overloaded
 * D1 has "too many requests queued", which is none.
 */
export function isStatementError(error: unknown): boolean {
  return /no such|syntax error|constraint failed|too many (?!requests)|TYPE_ERROR|ambiguous/i.test(
    String(error),
  )
}

/** A database that counts what it is asked, whoever asks: the cache, a repository, a log-in. */
export function countedDatabase(db: Database, stats: Stats): Database {
  return {
    prepare: (sql) => db.prepare(sql),
    batch: async (statements) => {
      stats.d1.batches++
      stats.d1.queries += statements.length
      const results = await db.batch(statements)
      stats.d1.rowsRead += rowsReadBy(results)
      for (const { meta } of results) stats.d1.rowsWritten += meta.rows_written ?? 0
      return results
    },
  }
}

/** Rows that D1 read for some answers, as it says itself. */
export function rowsReadBy(results: readonly StatementResult[]): number {
  return results.reduce((sum, { meta }) => sum + (meta.rows_read ?? 0), 0)
}
