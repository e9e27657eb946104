import { DatabaseSync, type SQLInputValue } from 'node:sqlite'

/** A bound statement of `SqliteD1`. */
export class SqliteStatement {
  readonly sql: string
  readonly values: unknown[]

  constructor(sql: string, values: unknown[] = []) {
    this.sql = sql
    this.values = values
  }

  bind(...values: unknown[]): SqliteStatement {
    return new SqliteStatement(this.sql, values)
  }
}

interface Result {
  results: unknown[]
  success: true
  meta: { changes: number; last_row_id: number; duration: number }
}

/** The figures of D1's limits that a program must not pass (PLATFORM.md). */
const MAX_PARAMETERS = 100
const MAX_SQL_BYTES = 100_000

/**
 * D1's `prepare()` and `batch()` over node:sqlite: real SQL and real transactions, in the test's own process. Foreign
 * keys are on, as they are in D1; statements that pass one of D1's limits are refused.
 */
export class SqliteD1 {
  readonly sqlite = new DatabaseSync(':memory:')
  /** Every SQL text that was run, in order. */
  readonly log: string[] = []
  /** When set, each batch waits for it first: latency, failures, hangs. */
  before: ((statements: SqliteStatement[]) => Promise<void> | void) | null = null
  /** When set, each batch's answer waits for it: a commit whose answer is late or lost. */
  after: ((statements: SqliteStatement[]) => Promise<void> | void) | null = null

  constructor() {
    this.sqlite.exec('PRAGMA foreign_keys = ON')
  }

  exec(sql: string): void {
    this.sqlite.exec(sql)
  }

  prepare(sql: string): SqliteStatement {
    return new SqliteStatement(sql)
  }

  async batch(statements: SqliteStatement[]): Promise<Result[]> {
    await this.before?.(statements)
    const results = this.transaction(statements)
    await this.after?.(statements)
    return results
  }

  /** One row, read past everything that counts or delays: for a test's own looks. */
  one(sql: string, ...values: SQLInputValue[]): Record<string, unknown> | undefined {
    return this.sqlite.prepare(sql).get(...values)
  }

  private transaction(statements: SqliteStatement[]): Result[] {
    this.sqlite.exec('BEGIN IMMEDIATE')
    try {
      const results = statements.map((statement) => this.run(statement))
      this.sqlite.exec('COMMIT')
      return results
    } catch (error) {
      this.sqlite.exec('ROLLBACK')
      throw new Error(`D1_ERROR: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  private run({ sql, values }: SqliteStatement): Result {
    if (values.length > MAX_PARAMETERS) throw new Error('too many SQL variables')
    if (sql.length > MAX_SQL_BYTES) throw new Error('statement too long')
    this.log.push(sql)
    const results = this.sqlite.prepare(sql).all(...values.map(toSqlite))
    const counts = this.sqlite.prepare('SELECT changes() AS changes, last_insert_rowid() AS last').get()
    // changes() keeps its value over a SELECT; D1 reports 0 there.
    const writes = /^\s*(insert|update|delete|replace)/i.test(sql)
    return {
      results,
      success: true,
      meta: { changes: writes ? Number(counts?.changes) : 0, last_row_id: Number(counts?.last), duration: 0 },
    }
  }
}

function toSqlite(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
    return value
  throw new Error(`D1_TYPE_ERROR: Type '${typeof value}' not supported for value '${String(value)}'`)
}
