import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { Database, Statement, StatementResult } from '@freshet/cache-core'
import type { EventLoop } from './event-loop.ts'
import { currentInvocation, type Invocation } from './invocation.ts'
import type { Network } from './network.ts'
import type { Random } from './random.ts'

/** D1's limits (PLATFORM.md). */
const MAX_PARAMETERS = 100
const MAX_SQL_BYTES = 100_000
const MAX_QUERIES = 1_000
const MAX_ROW_BYTES = 2_000_000
/** The log's AUTOINCREMENT may leave gaps this wide. */
const MAX_GAP = 5

/** In Node 24 since 24.18, but not yet in its types. */
interface Serializable {
  serialize(): Uint8Array
  deserialize(database: Uint8Array): void
}

/** What can go wrong with D1, and how often. */
export interface D1Faults {
  /** Share of transactions that fail before anything happens. */
  failShare: number
  /** Share whose answer never comes, though they happened. */
  lostAnswerShare: number
  /** Share whose answer is an error, though they happened. */
  falseErrorShare: number
  /** Share that takes seconds. */
  slowShare: number
  /** Nothing works, and callers wait long for that. */
  isDown: boolean
  /** Chance that a log row leaves a gap before it. */
  gapShare: number
}

export const NO_D1_FAULTS: D1Faults = {
  failShare: 0,
  lostAnswerShare: 0,
  falseErrorShare: 0,
  slowShare: 0,
  isDown: false,
  gapShare: 0.05,
}

/** What the oracle hears of a committed transaction. */
export interface Committed {
  txn: number
  invocation: Invocation
  /** Whether rows outside the cache's own tables may have changed. */
  changedData: boolean
  /** Whether the log may have new rows, or rows that are processed now. */
  logged: boolean
  processed: boolean
  /** Whether the epoch may have moved. */
  movedEpoch: boolean
}

interface Prepared {
  statement: StatementSync
  writes: boolean
  changesData: boolean
  logs: boolean
  processes: boolean
  movesEpoch: boolean
}

export class BoundStatement implements Statement {
  readonly sql: string
  readonly values: SQLInputValue[]

  constructor(sql: string, values: SQLInputValue[] = []) {
    this.sql = sql
    this.values = values
  }

  bind(...values: unknown[]): BoundStatement {
    return new BoundStatement(this.sql, values.map(toSqlite))
  }
}

/** D1: real SQLite with one writer, behind a network that is slow, and at times broken. */
export class SimD1 {
  /** Index of the next transaction; all have one, those that only read as well. */
  txn = 0
  faults: D1Faults = { ...NO_D1_FAULTS }
  onCommit: (committed: Committed) => void = () => {}
  onLimit: (what: string) => void = () => {}
  #sqlite = new DatabaseSync(':memory:')
  #prepared = new Map<string, Prepared>()
  readonly #loop: EventLoop
  readonly #network: Network
  readonly #random: Random

  constructor(loop: EventLoop, network: Network, random: Random) {
    this.#loop = loop
    this.#network = network
    this.#random = random
    this.#open(this.#sqlite)
  }

  readonly database: Database = {
    prepare: (sql) => new BoundStatement(sql),
    batch: (statements) => this.#send(statements),
  }

  exec(sql: string): void {
    this.#sqlite.exec(sql)
  }

  /** Rows of a query, read past the network and all that counts. */
  look(sql: string, ...values: SQLInputValue[]): Record<string, unknown>[] {
    return this.#prepare(sql).statement.all(...values)
  }

  /** A transaction that the world itself makes, past the network. */
  direct(statements: Statement[], invocation: Invocation): StatementResult[] {
    return this.#transact(statements, invocation).results
  }

  /** Everything in the database, as a backup holds it. */
  backup(): Uint8Array {
    return (this.#sqlite as DatabaseSync & Serializable).serialize()
  }

  restore(backup: Uint8Array): void {
    this.#prepared = new Map()
    this.#sqlite.close()
    const sqlite = new DatabaseSync(':memory:') as DatabaseSync & Serializable
    sqlite.deserialize(backup)
    this.#sqlite = sqlite
    this.#open(sqlite)
  }

  close(): void {
    this.#prepared.clear()
    this.#sqlite.close()
  }

  /** As D1 has it; and SQLite's own randomness, of which epochs are made, comes from the run's seed. */
  #open(sqlite: DatabaseSync): void {
    sqlite.exec('PRAGMA foreign_keys = ON')
    sqlite.function('randomblob', (size) => {
      return Uint8Array.from({ length: Number(size) }, () => this.#random.below(256))
    })
  }

  #send(statements: Statement[]): Promise<StatementResult[]> {
    const invocation = currentInvocation()
    invocation.d1Queries += statements.length
    if (invocation.d1Queries > MAX_QUERIES)
      this.onLimit(`${invocation.d1Queries} D1 queries in one invocation`)
    const order = this.#network.nextOrder()
    return new Promise((resolve, reject) => {
      invocation.connect(() => {
        const there = this.#network.d1Latency(invocation.host)
        const late = this.#random.chance(this.faults.slowShare) ? this.#random.between(500, 6_000) : 0
        if (late > 0) invocation.host.met('d1', this.#loop.now + late)
        this.#loop.after(there + late, () => {
          const answer = this.#outcome(statements, invocation, order)
          if (answer === null) {
            invocation.hung++
            return
          }
          const { outcome, waitMs } = answer
          this.#loop.after(this.#network.d1Latency(invocation.host) + waitMs, () =>
            invocation.deliver(() => {
              invocation.disconnect()
              if ('error' in outcome) reject(outcome.error)
              else resolve(outcome.results)
            }),
          )
        })
      })
    })
  }

  /** @returns null when no answer will ever come */
  #outcome(statements: Statement[], invocation: Invocation, order: number) {
    const { faults } = this
    const { host } = invocation
    const failed = (message: string, waitMs = 0) => {
      host.met('d1', this.#loop.now + waitMs)
      return { outcome: { error: new Error(`D1_ERROR: ${message}`) }, waitMs }
    }
    const unanswered = () => {
      host.met('d1', this.#loop.now)
      return null
    }
    if (faults.isDown) {
      return this.#random.chance(0.3)
        ? unanswered()
        : failed('Network connection lost.', this.#random.between(0, 4_000))
    }
    if (this.#random.chance(faults.failShare))
      return failed('D1 DB is overloaded. Requests queued for too long.')
    const done = this.#transact(statements, invocation)
    host.sent.push({ sentAt: order, txn: done.txn })
    if (this.#random.chance(faults.lostAnswerShare)) return unanswered()
    if (this.#random.chance(faults.falseErrorShare)) return failed('Network connection lost.')
    if (done.error !== null) return { outcome: { error: done.error }, waitMs: 0 }
    return { outcome: { results: done.results }, waitMs: 0 }
  }

  #transact(statements: Statement[], invocation: Invocation) {
    const txn = this.txn++
    const bound = statements.map((statement) => {
      if (!(statement instanceof BoundStatement)) throw new TypeError('a statement of another database')
      if (statement.values.length > MAX_PARAMETERS)
        this.onLimit(`${statement.values.length} bound parameters`)
      const bytes = statement.values.reduce<number>((sum, value) => sum + sizeOf(value), 0)
      if (bytes > MAX_ROW_BYTES) this.onLimit(`a row of ${bytes} bytes`)
      return { ...this.#prepare(statement.sql), values: statement.values }
    })
    const writes = bound.some((one) => one.writes)
    const logs = bound.some((one) => one.logs)
    try {
      if (writes) this.#sqlite.exec('BEGIN IMMEDIATE')
      if (logs && this.#random.chance(this.faults.gapShare)) this.#leaveGap()
      const results = bound.map((one): StatementResult => {
        const rows = one.statement.all(...one.values)
        return { results: rows, meta: { changes: one.writes ? this.#changes() : 0 } }
      })
      if (writes) {
        this.#sqlite.exec('COMMIT')
        this.onCommit({
          txn,
          invocation,
          changedData: bound.some((one) => one.changesData),
          logged: logs,
          processed: bound.some((one) => one.processes),
          movedEpoch: bound.some((one) => one.movesEpoch),
        })
      }
      return { txn, results, error: null }
    } catch (error) {
      if (writes) this.#sqlite.exec('ROLLBACK')
      return {
        txn,
        results: [],
        error: new Error(`D1_ERROR: ${error instanceof Error ? error.message : String(error)}`),
      }
    }
  }

  #changes(): number {
    return Number(this.#prepare('SELECT changes() AS changes').statement.get()?.changes)
  }

  #leaveGap(): void {
    this.#prepare("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'invalidation_log'").statement.run(
      this.#random.between(1, MAX_GAP),
    )
  }

  #prepare(sql: string): Prepared {
    let prepared = this.#prepared.get(sql)
    if (prepared === undefined) {
      if (sql.length > MAX_SQL_BYTES) this.onLimit(`${sql.length} bytes of SQL`)
      const statement = this.#sqlite.prepare(sql)
      const writes = /^\s*(insert|update|delete|replace)/i.test(sql)
      const changesData =
        writes &&
        !/(into|update|from)\s+(invalidation_log|invalidation_state|dead_letters)\b/i.test(head(sql))
      prepared = {
        statement,
        writes,
        changesData,
        logs: /^\s*insert into invalidation_log/i.test(sql),
        processes: /^\s*update invalidation_log/i.test(sql),
        movesEpoch: /^\s*update invalidation_state set epoch/i.test(sql),
      }
      this.#prepared.set(sql, prepared)
    }
    return prepared
  }
}

/** The part of a writing statement that names its table. */
function head(sql: string): string {
  return sql.trimStart().slice(0, 60)
}

function sizeOf(value: SQLInputValue): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : 8
}

function toSqlite(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
    return value
  throw new Error(`D1_TYPE_ERROR: Type '${typeof value}' not supported`)
}
