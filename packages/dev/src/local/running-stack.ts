import type { Miniflare } from 'miniflare'
import { startCron } from './cron.ts'
import type { OnOutput } from './output.ts'
import type { RunSql } from './sql-worker.ts'
import type { State } from './state.ts'
import type { Workers } from './workers.ts'

/** Soon enough that a first look sees what cron does, late enough to leave the first requests alone. */
const FIRST_CRON_SECONDS = 3

/** A running local stack. */
export interface LocalStack {
  /** Base URLs of the API Workers, without a final slash. */
  urls: readonly string[]
  /** The same of the Workers beside them, in their order. */
  otherUrls: readonly string[]
  /** Runs SQL against the stack's database, past the Workers. */
  sql: RunSql
  /** Calls the consumer's `scheduled()` now, as of `scheduledTime`. Default: now as well. */
  runCron(scheduledTime?: Date): Promise<void>
  /** For tests that need more than this. */
  miniflare: Miniflare
  /** Stops everything; can be called more than once. */
  stop(): Promise<void>
}

/** What a stack is made of once it runs. */
export interface StackParts {
  miniflare: Miniflare
  sql: RunSql
  workers: Workers
  state: State
  cronSeconds: number
  onOutput: OnOutput
}

/** The handle of a stack whose Workers answer and whose database is ready; its cron begins. */
export async function runningStack(parts: StackParts): Promise<LocalStack> {
  const { miniflare, sql, workers, state, cronSeconds, onOutput } = parts
  const { consumer, crons } = workers
  const urlsOf = (some: readonly { name: string }[]) =>
    Promise.all(some.map(async ({ name }) => (await miniflare.unsafeGetDirectURL(name)).origin))
  const [urls, otherUrls] = await Promise.all([urlsOf(workers.apis), urlsOf(workers.others)])

  async function runCron(scheduledTime = new Date()): Promise<void> {
    if (consumer === undefined) return
    const worker = await miniflare.getWorker(consumer.name)
    for (const cron of crons) {
      const { outcome } = await worker.scheduled({ cron, scheduledTime })
      if (outcome !== 'ok') throw new Error(`the consumer's scheduled() for "${cron}" ended with: ${outcome}`)
    }
  }

  const stopCron =
    cronSeconds > 0
      ? startCron({
          seconds: cronSeconds,
          firstSeconds: Math.min(FIRST_CRON_SECONDS, cronSeconds),
          run: runCron,
          onError: (error) => onOutput(String(error), 'error'),
        })
      : () => {}

  async function stopAll(): Promise<void> {
    stopCron()
    await miniflare.dispose()
    await state.release()
  }
  let stopping: Promise<void> | undefined

  return {
    urls,
    otherUrls,
    sql,
    runCron,
    miniflare,
    stop: () => {
      stopping ??= stopAll()
      return stopping
    },
  }
}
