import { describe, expect, it, vi } from 'vitest'
import type { ReadAnswer } from './cms-client.ts'
import { type DriveOptions, drive } from './drive.ts'
import { StalenessLedger } from './staleness-ledger.ts'
import type { Operation } from './workload.ts'

const R = (key: number): Operation => ({ key, write: false })
const W = (key: number): Operation => ({ key, write: true })

/** Options over a client that answers with `read` and counts versions up. */
function options(
  operations: Operation[],
  read: () => Partial<ReadAnswer>,
): DriveOptions & { reads: string[] } {
  const reads: string[] = []
  let version = 1
  return {
    reads,
    operations,
    urls: ['one', 'two'],
    postId: (key) => `post-${key}`,
    client: {
      read: async (url, id) => {
        reads.push(`${url} ${id}`)
        return { version, source: 'memory', labelledStale: false, ...read() }
      },
      write: async () => {
        version += 1
        return version
      },
    },
    // Nothing, not even a write just answered, may be missed.
    ledger: new StalenessLedger(-1),
    concurrency: 1,
    signal: new AbortController().signal,
    onDone: () => {},
  }
}

describe('drive', () => {
  it('sends each operation, in turn to the Workers', async () => {
    const onDone = vi.fn()
    const given = { ...options([R(1), W(1), R(2), R(1)], () => ({})), onDone }
    const measured = await drive(given)
    expect(given.reads).toEqual(['one post-1', 'one post-2', 'two post-1'])
    expect(measured).toMatchObject({ reads: 3, writes: 1, staleReads: 0, errors: 0, labelledStale: 0 })
    expect(onDone.mock.calls).toEqual([[1], [2], [3], [4]])
  })

  it('counts who answered', async () => {
    const sources = ['memory', 'kv', 'database', 'kv'] as const
    let next = 0
    const measured = await drive(
      options([R(1), R(1), R(1), R(1)], () => ({ source: sources[next++] ?? 'kv' })),
    )
    expect(measured.latencies.memory.length).toBe(1)
    expect(measured.latencies.kv.length).toBe(2)
    expect(measured.latencies.database.length).toBe(1)
  })

  it('sees a read that is older than a write answered before it', async () => {
    const measured = await drive(options([R(1), W(1), R(1), R(2)], () => ({ version: 1 })))
    expect(measured.staleReads).toBe(1)
    expect(measured.staleExamples).toEqual([
      { id: 'post-1', url: 'one', version: 1, allowed: 2, source: 'memory' },
    ])
  })

  it('counts stale answers that say so apart', async () => {
    const measured = await drive(options([W(1), R(1)], () => ({ version: 1, labelledStale: true })))
    expect(measured).toMatchObject({ staleReads: 0, labelledStale: 1 })
  })

  it('counts failures, keeps examples of some, and goes on', async () => {
    const measured = await drive(
      options(
        Array.from({ length: 30 }, () => R(1)),
        () => {
          throw new Error('answered 500')
        },
      ),
    )
    expect(measured).toMatchObject({ reads: 0, errors: 30 })
    expect(measured.errorExamples).toEqual(Array.from({ length: 10 }, () => 'answered 500'))
  })

  it('ends when asked to', async () => {
    const given = { ...options([R(1)], () => ({})), signal: AbortSignal.abort(new Error('stop')) }
    await expect(drive(given)).rejects.toThrow('stop')
  })
})
