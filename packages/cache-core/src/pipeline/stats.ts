import type { Database, Runtime } from '../ports.ts'
import { parseStatsMessage } from '../statistics/message.ts'
import { addSums, type Counted } from '../statistics/store.ts'
import { addReads, type RecipeReads, sumReads } from './popularity.ts'
import type { PipelineReport, QueueMessage } from './queue.ts'
import { retryDelaySeconds } from './retry.ts'

/** Recipes of one batch that are counted, the most read ones: each costs about three rows written. */
const MOST_RECIPES = 500

/**
 * Consumes a batch of `cache-stats`: adds up what isolates counted, in one transaction. A message that comes twice counts
 * twice: for an order of popularity and for charts that is near enough, and keeping ids would cost more than it is worth.
 */
export async function handleStats(
  messages: readonly QueueMessage[],
  deps: { db: Database; runtime: Runtime; report: PipelineReport },
): Promise<void> {
  const { db, runtime, report } = deps
  const reads: RecipeReads[] = []
  const counted: Counted[] = []
  for (const { body } of messages) {
    const stats = parseStatsMessage(body)
    if (stats === null) continue
    reads.push(...stats.reads)
    counted.push(stats)
  }
  try {
    const now = runtime.now()
    const most = sumReads(reads)
      .sort((a, b) => b.reads - a.reads)
      .slice(0, MOST_RECIPES)
    await db.batch([addReads(db, most, now), addSums(db, counted, now)])
    for (const message of messages) message.ack()
  } catch (error) {
    report({ step: 'stats failed', error: String(error), received: messages.length })
    for (const message of messages)
      message.retry({ delaySeconds: retryDelaySeconds(message.attempts, runtime.random()) })
  }
}
