import { describe, expect, it } from 'vitest'
import { runSeed } from './seed.ts'
import type { SqlStatement } from './sql-worker.ts'

function* statements(count: number, bytes = 1): Generator<SqlStatement> {
  for (let i = 0; i < count; i += 1) yield { sql: 'insert', params: ['x'.repeat(bytes), i] }
}

/** A database that only counts. */
function counter() {
  const sizes: number[] = []
  const run = async (chunk: readonly SqlStatement[]) => {
    sizes.push(chunk.length)
    return []
  }
  return { sizes, run }
}

describe('runSeed', () => {
  it('runs all statements, a bounded number at a time', async () => {
    const { sizes, run } = counter()
    expect(await runSeed(run, statements(1_200))).toBe(1_200)
    expect(sizes).toEqual([500, 500, 200])
  })

  it('bounds the bytes of a transaction too', async () => {
    const { sizes, run } = counter()
    await runSeed(run, statements(30, 500_000))
    expect(Math.max(...sizes)).toBe(4)
    expect(sizes.reduce((sum, size) => sum + size)).toBe(30)
  })

  it('does nothing without statements', async () => {
    const { sizes, run } = counter()
    expect(await runSeed(run, [])).toBe(0)
    expect(sizes).toEqual([])
  })

  it('throws what the database threw', async () => {
    const run = async () => {
      throw new Error('no such table')
    }
    await expect(runSeed(run, statements(3))).rejects.toThrow('no such table')
    await expect(runSeed(run, statements(3_000))).rejects.toThrow('no such table')
  })

  it('stops between two transactions when aborted', async () => {
    const { sizes, run } = counter()
    await expect(runSeed(run, statements(5_000), AbortSignal.abort(new Error('stopped')))).rejects.toThrow(
      'stopped',
    )
    expect(sizes.length).toBe(0)
  })
})
