import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unstable_splitSqlQuery } from 'wrangler'
import { messageOf } from '../plain-error.ts'
import type { RunSql, SqlStatement } from './sql-worker.ts'

/**
 * Applies the `.sql` files of `directory` in the order of their names, each once and in one transaction, and writes them
 * down in `table` as `wrangler d1 migrations apply` does. Answers the names of those that were new.
 */
export async function applyMigrations(run: RunSql, directory: string, table: string): Promise<string[]> {
  const [, known = []] = await run([
    statement(
      `CREATE TABLE IF NOT EXISTS ${table} (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`,
    ),
    statement(`SELECT name FROM ${table}`),
  ])
  const applied = new Set(known.map((row) => row.name))
  const names = (await migrationNames(directory)).filter((name) => !applied.has(name))
  for (const name of names) {
    const sql = await readFile(join(directory, name), 'utf8')
    try {
      await run([
        ...unstable_splitSqlQuery(sql).map((one) => statement(one)),
        { sql: `INSERT INTO ${table} (name) VALUES (?)`, params: [name] },
      ])
    } catch (error) {
      throw new Error(`migration ${name} failed: ${messageOf(error)}`)
    }
  }
  return names
}

async function migrationNames(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => {
    throw new Error(`there is no directory of migrations at ${directory}`)
  })
  return names.filter((name) => name.endsWith('.sql')).sort()
}

function statement(sql: string): SqlStatement {
  return { sql, params: [] }
}
