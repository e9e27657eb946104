import type { CmsClient } from './cms-client.ts'
import { Measurements } from './measurements.ts'
import { runPool } from './pool.ts'
import type { StalenessLedger } from './staleness-ledger.ts'
import type { Operation } from './workload.ts'

/** What `drive` takes. */
export interface DriveOptions {
  operations: readonly Operation[]
  /** The API Workers; requests go to them in turn. */
  urls: readonly string[]
  /** The post that stands for a key. */
  postId: (key: number) => string
  /** Logged in as somebody who may write. */
  client: Pick<CmsClient, 'read' | 'write'>
  ledger: StalenessLedger
  concurrency: number
  signal: AbortSignal
  /** Hears how many operations are done. */
  onDone: (done: number) => void
}

/** Sends all operations in order, many at a time, and holds every answer against the writes that went before. */
export async function drive(options: DriveOptions): Promise<Measurements> {
  const { operations, urls, ledger, client } = options
  const measured = new Measurements()
  let done = 0

  async function perform(operation: Operation, index: number): Promise<void> {
    const url = urls[index % urls.length] ?? ''
    const id = options.postId(operation.key)
    const sentAt = performance.now()
    try {
      if (operation.write) {
        const version = await client.write(url, id, `Changed by request ${index}`)
        ledger.committed(id, version, performance.now())
        measured.writes += 1
      } else {
        const answer = await client.read(url, id)
        measured.read(id, url, answer, ledger.oldestAllowed(id, sentAt), performance.now() - sentAt)
      }
    } catch (error) {
      measured.failed(error)
    }
    done += 1
    options.onDone(done)
  }

  await runPool(operations, options.concurrency, perform, options.signal)
  return measured
}
