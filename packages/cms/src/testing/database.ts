import { readdirSync, readFileSync } from 'node:fs'
import type { Database, Source } from '@freshet/cache-core'
import { SqliteD1 } from '@freshet/test-support'
import { type SeedOptions, seedBatches } from '../seed/index.ts'

const MIGRATIONS = new URL('../../migrations/', import.meta.url)

/** @returns the migrations in their order */
export function migrations(): { name: string; sql: string }[] {
  return readdirSync(MIGRATIONS)
    .sort()
    .map((name) => ({ name, sql: readFileSync(new URL(name, MIGRATIONS), 'utf8') }))
}

/** @returns an empty database with all migrations applied */
export function migratedDatabase(): SqliteD1 {
  const db = new SqliteD1()
  for (const { sql } of migrations()) db.exec(sql)
  return db
}

/** Fills a migrated database from the generator. */
export async function seed(db: SqliteD1, options: SeedOptions): Promise<void> {
  for (const { sql, params } of seedBatches(options)) await db.batch([db.prepare(sql).bind(...params)])
}

/** Runs a source's own load, past any cache. */
export async function load<T>(db: Database, source: Source<T>): Promise<T | null> {
  const { statements, decode } = source.load(db)
  return decode(await db.batch(statements))
}
