import type { Miniflare, WorkerOptions } from 'miniflare'
import * as v from 'valibot'

/** One SQL statement with its bound parameters. */
export interface SqlStatement {
  sql: string
  params: readonly unknown[]
}

/** A row as D1 answers it. */
type SqlRow = Record<string, unknown>

/** Runs statements against the local database, each call as one transaction, and answers the rows of each statement. */
export type RunSql = (statements: readonly SqlStatement[]) => Promise<SqlRow[][]>

const NAME = 'freshet-sql'

/**
 * A Worker of the runner's own with the database bound. Miniflare's bindings for Node take a round trip per method call,
 * 10 ms a statement; this takes one per transaction, which makes seeding 30 times faster. It has no port.
 */
const SCRIPT = `export default {
  async fetch(request, env) {
    try {
      const statements = await request.json()
      const results = await env.DB.batch(statements.map(({ sql, params }) => env.DB.prepare(sql).bind(...params)))
      return Response.json({ rows: results.map((result) => result.results) })
    } catch (error) {
      return Response.json({ error: String(error.message) }, { status: 500 })
    }
  },
}`

const AnswerSchema = v.union([
  v.object({ rows: v.array(v.array(v.record(v.string(), v.unknown()))) }),
  v.object({ error: v.string() }),
])

/** The Worker's Miniflare options; `databases` are those of the Workers, `DB` among them. */
export function sqlWorkerOptions(databases: WorkerOptions['d1Databases']): WorkerOptions {
  return { name: NAME, modules: true, script: SCRIPT, d1Databases: databases ?? {} }
}

/** The way in to the Worker of `sqlWorkerOptions`. */
export function sqlRunner(miniflare: Miniflare): RunSql {
  return async (statements) => {
    if (statements.length === 0) return []
    const worker = await miniflare.getWorker(NAME)
    const response = await worker.fetch('http://sql/', { method: 'POST', body: JSON.stringify(statements) })
    const answer = v.parse(AnswerSchema, await response.json())
    if ('error' in answer) throw new Error(answer.error)
    return answer.rows
  }
}
