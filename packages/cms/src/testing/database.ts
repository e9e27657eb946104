import { readdirSync, readFileSync } from 'node:fs'
import type { Database, Source } from '@freshet/cache-core'
import { SqliteD1 } from '@freshet/test-support'
import { type SeedOptions, seedBatches } from '../seed/index.ts'
import { dropTriggers, installTriggers } from '../triggers/triggers.ts'

const MIGRATIONS = new URL('../../migrations/', import.meta.url)

/** @returns the migrations in their order */
export function migrations(): { name: string; sql: string }[] {
  return readdirSync(MIGRATIONS)
    .sort()
    .map((name) => ({ name, sql: readFileSync(new URL(name, MIGRATIONS), 'utf8') }))
}

/** @returns an empty database with all migrations applied, and no triggers, should one of them have brought some */
export function migratedDatabase(): SqliteD1 {
  const db = new SqliteD1()
  for (const { sql } of migrations()) db.exec(sql)
  db.exec(dropTriggers())
  return db
}

/** @returns the same, with the triggers by which whoever changes a table writes the log */
export function triggeredDatabase(): SqliteD1 {
  const db = migratedDatabase()
  db.exec(installTriggers())
  return db
}

/** Who writes the log: every test of a repository holds for both. */
export const LOG_WRITERS = [
  { writer: 'the write’s own statement', database: migratedDatabase },
  { writer: 'triggers', database: triggeredDatabase },
]

/** Fills a migrated database from the generator. */
export async function seed(db: SqliteD1, options: SeedOptions): Promise<void> {
  for (const { sql, params } of seedBatches(options)) await db.batch([db.prepare(sql).bind(...params)])
}

/** Runs a source's own load, past any cache. */
export async function load<T>(db: Database, source: Source<T>): Promise<T | null> {
  const { statements, decode } = source.load(db)
  return decode(await db.batch(statements))
}
