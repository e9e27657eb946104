import type { Database, KeyValueStore } from '@freshet/cache-core'
import type { SqliteD1 } from '@freshet/test-support'

/** Operations as the platform bills them. */
export interface Operations {
  kvReads: number
  kvWrites: number
  kvDeletes: number
  kvLists: number
  /** Times that D1 was asked: batches of statements. */
  d1Batches: number
  d1Queries: number
  /** Rows changed, each counted twice: a row of the pipeline's tables has one index entry that moves with it. */
  d1RowsWritten: number
  /** Messages × 3: to write, to read and to delete each. */
  queueOperations: number
}

/** Dollars per million operations (PLATFORM.md). Rows read cost a thousandth of those written: left out. */
export const PRICES: Record<keyof Operations, number> = {
  kvReads: 0.5,
  kvWrites: 5,
  kvDeletes: 5,
  kvLists: 5,
  d1Batches: 0,
  d1Queries: 0,
  d1RowsWritten: 1,
  queueOperations: 0.4,
}

/** What so many operations cost, in dollars. */
export function costOf(operations: Operations): number {
  const names = Object.keys(PRICES) as (keyof Operations)[]
  return names.reduce((sum, name) => sum + (operations[name] * PRICES[name]) / 1e6, 0)
}

/** Counts what goes through bindings. */
export class Meter {
  readonly operations: Operations = {
    kvReads: 0,
    kvWrites: 0,
    kvDeletes: 0,
    kvLists: 0,
    d1Batches: 0,
    d1Queries: 0,
    d1RowsWritten: 0,
    queueOperations: 0,
  }

  kv(kv: KeyValueStore): KeyValueStore {
    const { operations } = this
    return {
      getWithMetadata: ((...args: Parameters<KeyValueStore['getWithMetadata']>) => {
        operations.kvReads++
        return kv.getWithMetadata(...args)
      }) as KeyValueStore['getWithMetadata'],
      put: (...args) => {
        operations.kvWrites++
        return kv.put(...args)
      },
      list: (options) => {
        operations.kvLists++
        return kv.list(options)
      },
      delete: (name) => {
        operations.kvDeletes++
        return kv.delete(name)
      },
    }
  }

  d1(d1: SqliteD1): Database {
    const changes = () => Number(d1.one('SELECT total_changes() AS n')?.n)
    const db: Database = d1
    return {
      prepare: (sql) => db.prepare(sql),
      batch: async (statements) => {
        this.operations.d1Batches++
        this.operations.d1Queries += statements.length
        const before = changes()
        try {
          return await db.batch(statements)
        } finally {
          this.operations.d1RowsWritten += 2 * (changes() - before)
        }
      },
    }
  }
}
