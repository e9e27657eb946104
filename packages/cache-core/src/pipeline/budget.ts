import type { Database, KeyValueStore, Runtime } from '../ports.ts'

/** What one invocation may spend. The platform ends it at 1,000 KV operations, 1,000 D1 queries and 15 minutes (PLATFORM.md). */
export interface BudgetLimits {
  kv: number
  d1: number
  ms: number
}

/** Some is left for what must still be done when the budget is spent: to mark, to count, to send the rest on. */
const LIMITS: BudgetLimits = { kv: 900, d1: 900, ms: 5 * 60_000 }

/** Counts what an invocation spends, so that work which does not fit goes on in another one and does not end in an error. */
export class Budget {
  #kv: number
  #d1: number
  readonly #until: number
  readonly #runtime: Pick<Runtime, 'now'>

  constructor(runtime: Pick<Runtime, 'now'>, limits: BudgetLimits = LIMITS) {
    this.#kv = limits.kv
    this.#d1 = limits.d1
    this.#until = runtime.now() + limits.ms
    this.#runtime = runtime
  }

  /** Whether so much is left, and time as well. */
  has(need: { kv?: number; d1?: number }): boolean {
    const { kv = Number.NEGATIVE_INFINITY, d1 = Number.NEGATIVE_INFINITY } = need
    return this.#kv >= kv && this.#d1 >= d1 && this.#runtime.now() < this.#until
  }

  /** A namespace whose operations are counted here. */
  kv(kv: KeyValueStore): KeyValueStore {
    const spend = () => {
      this.#kv--
    }
    return {
      // One operation, whether for one name or for a hundred.
      getWithMetadata: ((...args: Parameters<KeyValueStore['getWithMetadata']>) => {
        spend()
        return kv.getWithMetadata(...args)
      }) as KeyValueStore['getWithMetadata'],
      put: (name, value, options) => {
        spend()
        return kv.put(name, value, options)
      },
      list: (options) => {
        spend()
        return kv.list(options)
      },
      delete: (name) => {
        spend()
        return kv.delete(name)
      },
    }
  }

  /** A database whose queries are counted here. */
  d1(db: Database): Database {
    return {
      prepare: (sql) => db.prepare(sql),
      batch: (statements) => {
        this.#d1 -= statements.length
        return db.batch(statements)
      },
    }
  }
}
