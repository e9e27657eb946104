import type { StatementResult } from '@freshet/cache-core'
import * as v from 'valibot'

/** A schema that turns a row from D1, or JSON from a tier, into `T`. */
export type Reads<T> = v.GenericSchema<unknown, T>

/** @returns the only row of the statement at `index`; null when it found none */
export function rowOf<T>(schema: Reads<T>, results: readonly StatementResult[], index = 0): T | null {
  const row = results[index]?.results[0]
  return row === undefined ? null : v.parse(schema, row)
}

/** @returns all rows of the statement at `index` */
export function rowsOf<T>(schema: Reads<T>, results: readonly StatementResult[], index = 0): T[] {
  return (results[index]?.results ?? []).map((row) => v.parse(schema, row))
}

const TotalRow = v.object({ total: v.number() })

/** @returns what a statement `SELECT count(*) AS total` at `index` counted */
export function totalOf(results: readonly StatementResult[], index: number): number {
  return rowOf(TotalRow, results, index)?.total ?? 0
}
