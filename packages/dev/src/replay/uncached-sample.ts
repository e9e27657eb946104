import type { CmsClient } from './cms-client.ts'
import type { UncachedSample } from './figures.ts'
import { runPool } from './pool.ts'

/** What `sampleUncached` takes. */
export interface UncachedSampleOptions {
  /** The API Worker whose cache is off. */
  url: string
  /** The posts to read. */
  ids: readonly string[]
  /** Logged in as somebody who may see the stats. */
  client: Pick<CmsClient, 'read' | 'd1Queries'>
  concurrency: number
  signal: AbortSignal
  /** Hears of reads that failed. */
  onError: (error: unknown) => void
}

/** Reads posts around the cache, as many at a time as the replay does, and counts what D1 has to do for them. */
export async function sampleUncached(options: UncachedSampleOptions): Promise<UncachedSample> {
  const { url, ids, client } = options
  const milliseconds: number[] = []

  async function perform(id: string): Promise<void> {
    const sentAt = performance.now()
    try {
      await client.read(url, id)
      milliseconds.push(performance.now() - sentAt)
    } catch (error) {
      options.onError(error)
    }
  }

  const before = await client.d1Queries(url)
  await runPool(ids, options.concurrency, perform, options.signal)
  return { milliseconds, d1Queries: (await client.d1Queries(url)) - before }
}
