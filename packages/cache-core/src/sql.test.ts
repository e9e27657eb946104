import { ManualRuntime, SqliteD1 } from '@freshet/test-support'
import { describe, expect, it } from 'vitest'
import { countedDatabase, DatabaseUnavailableError, isStatementError, Sql } from './sql.ts'
import { Stats } from './stats.ts'

function bench() {
  const runtime = new ManualRuntime()
  const stats = new Stats()
  const d1 = new SqliteD1()
  d1.exec('CREATE TABLE t (a INTEGER NOT NULL)')
  const sql = new Sql(runtime, stats)
  const select = d1.prepare('SELECT count(*) AS n FROM t')
  const insert = d1.prepare('INSERT INTO t VALUES (?)')
  const db = countedDatabase(d1, stats)
  const fail = () => {
    d1.before = () => {
      throw new Error('D1_ERROR: overloaded')
    }
  }
  return { runtime, stats, d1, db, sql, select, insert, fail }
}

describe('a read of D1', () => {
  it('is counted: batches, and the statements in them', async () => {
    const { sql, db, select, insert, stats } = bench()
    await sql.write(db, [insert.bind(1)])
    const results = await sql.read(db, [select, select])
    expect(results.map(({ results: rows }) => rows)).toEqual([[{ n: 1 }], [{ n: 1 }]])
    expect(stats.d1).toMatchObject({ batches: 2, queries: 3, errors: 0 })
  })

  it('that fails says so with D1’s own words, and why', async () => {
    const { sql, db, select, stats, fail } = bench()
    fail()
    const error = await sql.read(db, [select]).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DatabaseUnavailableError)
    expect([String(error), String((error as Error).cause)]).toEqual([
      'DatabaseUnavailableError: D1 failed: Error: D1_ERROR: overloaded',
      'Error: D1_ERROR: overloaded',
    ])
    expect(stats.d1.errors).toBe(1)
  })

  it('is given up after 3 s', async () => {
    const { sql, db, d1, select, runtime } = bench()
    d1.before = () => new Promise(() => {})
    const reading = sql.read(db, [select]).catch((thrown: unknown) => thrown)
    await runtime.advance(3000)
    expect(await reading).toBeInstanceOf(DatabaseUnavailableError)
  })

  it('that an isolate gives up late because it stood still says nothing of D1', async () => {
    const { sql, db, d1, select, runtime } = bench()
    const hang = () => new Promise<void>(() => {})
    const giveUpAfter = async (ms: number) => {
      d1.before = hang
      const reads = [1, 2, 3].map(() => sql.read(db, [select]).catch((thrown: unknown) => thrown))
      runtime.time += ms
      await runtime.advance(3_000)
      for (const error of await Promise.all(reads)) expect(error).toBeInstanceOf(DatabaseUnavailableError)
    }
    for (let i = 0; i < 3; i++) await giveUpAfter(10_000)
    expect(sql.breaker.isOpen).toBe(false)
    for (let i = 0; i < 3; i++) await giveUpAfter(0)
    expect(sql.breaker.isOpen).toBe(true)
  })

  it('is no sign of an outage when one request, out of connections, gives up many at once', async () => {
    const { sql, db, d1, select, runtime } = bench()
    d1.before = () => new Promise<void>(() => {})
    const ask = () => sql.read(db, [select]).catch((thrown: unknown) => thrown)
    const burst = Promise.all(Array.from({ length: 10 }, ask))
    await runtime.advance(3_000)
    await burst
    expect(sql.breaker.isOpen).toBe(false)
    // Of requests that come one after the other, each says so anew.
    for (const pause of [1_000, 1_000]) {
      void ask()
      await runtime.advance(pause)
    }
    expect(sql.breaker.isOpen).toBe(false)
    await runtime.advance(3_000)
    expect(sql.breaker.isOpen).toBe(true)
  })

  it('is sent again when an isolate was idle for long: what D1 was then says nothing now', async () => {
    const { sql, db, d1, select, runtime, fail } = bench()
    fail()
    for (let i = 0; i < 3; i++) await sql.read(db, [select]).catch(() => {})
    d1.before = null
    await runtime.advance(15_000)
    await expect(sql.read(db, [select])).rejects.toThrow('not asked again before a probe succeeds')
    await runtime.advance(1_000)
    expect((await sql.read(db, [select])).length).toBe(1)
    expect(sql.breaker.isOpen).toBe(false)
  })

  it('is not even sent while the breaker is open, but for a probe', async () => {
    const { sql, db, d1, select, stats, fail } = bench()
    fail()
    for (let i = 0; i < 5; i++) await sql.read(db, [select]).catch(() => {})
    expect(stats.d1.batches).toBe(3)
    d1.before = null
    await expect(sql.read(db, [select])).rejects.toThrow('not asked again before a probe succeeds')
    await sql.read(db, [select], true)
    expect((await sql.read(db, [select])).length).toBe(1)
  })
})

describe('a statement that is wrong', () => {
  it('is the fault of one query: D1’s own error, and no step to an open breaker', async () => {
    const { sql, db, d1, stats } = bench()
    for (let i = 0; i < 5; i++) {
      const error = await sql.read(db, [d1.prepare('SELECT b FROM t')]).catch((thrown: unknown) => thrown)
      expect(error).not.toBeInstanceOf(DatabaseUnavailableError)
      expect(String(error)).toContain('no such column')
    }
    expect([sql.breaker.isOpen, stats.d1.errors]).toEqual([false, 5])
  })

  it.each([
    'D1_ERROR: no such table: posts: SQLITE_ERROR',
    'D1_ERROR: near "SELEC": syntax error at offset 0: SQLITE_ERROR',
    'D1_ERROR: UNIQUE constraint failed: posts.id: SQLITE_CONSTRAINT',
    'D1_ERROR: too many SQL variables at offset 500: SQLITE_ERROR',
    'D1_ERROR: ambiguous column name: id',
    "D1_TYPE_ERROR: Type 'undefined' not supported for value 'undefined'",
  ])('is told by %j', (message) => {
    expect(isStatementError(new Error(message))).toBe(true)
  })

  // Cloudflare's own list: developers.cloudflare.com/d1/observability/debug-d1
  it.each([
    'D1_ERROR: D1 DB reset because its code was updated.',
    'D1_ERROR: Internal error while starting up D1 DB storage caused object to be reset.',
    'D1_ERROR: Network connection lost.',
    'D1_ERROR: Internal error in D1 DB storage caused object to be reset.',
    'D1_ERROR: Cannot resolve D1 DB due to transient issue on remote node.',
    "D1_ERROR: Can't read from request stream because client disconnected.",
    'D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.',
    'D1_ERROR: D1 DB is overloaded. Requests queued for too long.',
    'D1_ERROR: D1 DB is overloaded. Too many requests queued.',
    "D1_ERROR: D1 DB's isolate exceeded its memory limit and was reset.",
    'D1_ERROR: D1 DB exceeded its CPU time limit and was reset.',
  ])('is not told by %j: that is an outage', (message) => {
    expect(isStatementError(new Error(message))).toBe(false)
  })
})

describe('a write to D1', () => {
  it('throws what D1 throws, so that a broken constraint is not taken for an outage', async () => {
    const { sql, db, insert } = bench()
    for (let i = 0; i < 5; i++) await expect(sql.write(db, [insert.bind(null)])).rejects.toThrow('NOT NULL')
    expect(sql.breaker.isOpen).toBe(false)
  })

  it('that fails says that D1 does not answer, as a read does', async () => {
    const { sql, db, insert, fail } = bench()
    fail()
    const error = await sql.write(db, [insert.bind(1)]).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DatabaseUnavailableError)
    expect(String((error as Error).cause)).toBe('Error: D1_ERROR: overloaded')
  })

  it('is tried while the breaker is open, and closes it', async () => {
    const { sql, db, d1, select, insert, fail } = bench()
    fail()
    for (let i = 0; i < 3; i++) await sql.read(db, [select]).catch(() => {})
    d1.before = null
    await sql.write(db, [insert.bind(1)])
    expect(sql.breaker.isOpen).toBe(false)
  })

  it('is given up after 10 s, its outcome unknown', async () => {
    const { sql, db, d1, insert, runtime } = bench()
    d1.after = () => new Promise(() => {})
    const writing = sql.write(db, [insert.bind(1)]).catch((thrown: unknown) => String(thrown))
    await runtime.advance(10_000)
    expect(await writing).toContain('a D1 write took over 10000 ms')
    expect(d1.one('SELECT count(*) AS n FROM t')?.n).toBe(1)
  })
})
