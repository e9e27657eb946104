import type { RunSql, SqlStatement } from './sql-worker.ts'

/** A transaction takes at most this much text, so that neither Node nor workerd ever holds a whole database. */
const CHUNK_BYTES = 2_000_000
const CHUNK_STATEMENTS = 500

/**
 * Runs the seed's statements in transactions of bounded size: while workerd executes one, the next is generated.
 * Answers how many statements there were.
 */
export async function runSeed(
  run: RunSql,
  statements: Iterable<SqlStatement>,
  signal?: AbortSignal,
): Promise<number> {
  let count = 0
  let running: Promise<unknown> = Promise.resolve()
  for (const chunk of chunks(statements)) {
    await running
    signal?.throwIfAborted()
    running = run(chunk)
    // Its failure is thrown by the next `await running`; until then it must not count as unhandled.
    running.catch(() => {})
    count += chunk.length
  }
  await running
  return count
}

function* chunks(statements: Iterable<SqlStatement>): Generator<SqlStatement[]> {
  let chunk: SqlStatement[] = []
  let bytes = 0
  for (const statement of statements) {
    chunk.push(statement)
    bytes += sizeOf(statement)
    if (bytes < CHUNK_BYTES && chunk.length < CHUNK_STATEMENTS) continue
    yield chunk
    chunk = []
    bytes = 0
  }
  if (chunk.length > 0) yield chunk
}

function sizeOf({ sql, params }: SqlStatement): number {
  return params.reduce<number>(
    (sum, param) => sum + (typeof param === 'string' ? param.length : 8),
    sql.length,
  )
}
