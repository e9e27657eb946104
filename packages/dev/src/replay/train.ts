import { setTimeout as sleep } from 'node:timers/promises'
import type { LocalStack } from '../local/running-stack.ts'
import { type Patience, poll } from '../poll.ts'
import { popularity, settledJobs } from './pipeline-watch.ts'

/** What training came to. */
export interface Training {
  requests: number
  seconds: number
  /** Recipes that the consumer has scores for. */
  popular: number
  /** Of the scheduled batch at the end; null where it did not run. */
  warmJobs: { sent: number; done: number } | null
  staleReads: number
  errors: number
}

/** How long each step may take. */
export interface Patiences {
  /** Isolates send what they have counted at least so often, while they are asked anything. */
  flushMs: number
  counts: Patience
  /** No more counts come when none have come for so long. */
  quietMs: number
  jobs: Patience
}

/** `cache-stats` waits up to 30 s for a batch to fill; a thousand jobs are ten batches of some seconds each. */
export const PATIENCES: Patiences = {
  flushMs: 61_000,
  counts: { everyMs: 1_000, atMostMs: 90_000 },
  quietMs: 5_000,
  jobs: { everyMs: 500, atMostMs: 300_000 },
}

/** What the end of the training needs. */
export interface LessonOptions {
  stack: Pick<LocalStack, 'sql' | 'runCron'>
  /** Sends each API Worker a read. */
  nudge: () => Promise<void>
  /** When the consumer's cron has a warm batch due; null for none. */
  warmAt: Date | null
  /** How many jobs the scheduled batches have sent so far, by their own reports. */
  jobsSent: () => number
  patiences: Patiences
  write: (line: string) => void
  signal: AbortSignal
}

/**
 * The end of a training: has the API Workers tell what they have counted, waits until the consumer has added it up, and runs
 * its scheduled warm batch to the end.
 */
export async function finishTraining(
  options: LessonOptions,
): Promise<Pick<Training, 'popular' | 'warmJobs'>> {
  const { stack, write } = options
  await gatherCounts(options)
  const { recipes } = await popularity(stack.sql)
  return { popular: recipes, warmJobs: options.warmAt === null ? null : await warm(options, options.warmAt) }

  async function warm({ jobsSent, patiences, signal }: LessonOptions, at: Date) {
    const sentBefore = jobsSent()
    const doneBefore = await settledJobs(stack.sql)
    write('running the scheduled warm batch')
    await stack.runCron(at)
    let done = 0
    const isDone = await poll(
      async () => {
        done = (await settledJobs(stack.sql)) - doneBefore
        const sent = jobsSent() - sentBefore
        return sent > 0 && done >= sent
      },
      patiences.jobs,
      signal,
    )
    const sent = jobsSent() - sentBefore
    write(`${done} of ${sent} warm jobs are done${isDone ? '' : ', and the others not in time'}`)
    return { sent, done }
  }
}

async function gatherCounts({ stack, nudge, patiences, write, signal }: LessonOptions): Promise<void> {
  const { flushMs, counts, quietMs } = patiences
  const seconds = (ms: number) => Math.round(ms / 1_000)
  write(`waiting ${seconds(flushMs)} s, until the API Workers have to tell what was read`)
  await sleep(flushMs, undefined, { signal })
  const { updatedAt: before } = await popularity(stack.sql)
  await nudge()
  write(`waiting until the consumer has added it up, ${seconds(counts.atMostMs)} s at most`)
  let last = before
  let lastAt = performance.now()
  const isCounted = await poll(
    async () => {
      const { updatedAt } = await popularity(stack.sql)
      if (updatedAt !== last) {
        last = updatedAt
        lastAt = performance.now()
      }
      return last !== before && performance.now() - lastAt >= quietMs
    },
    counts,
    signal,
  )
  if (!isCounted) write('no counts have come: the warm batch knows what was told before')
}
