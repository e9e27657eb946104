import type { Isolate, RequestIo } from '../isolate.ts'
import { type Check, checkMessage } from '../pipeline/message.ts'
import type { MessageQueue, Runtime } from '../ports.ts'
import { Reader } from '../read/reader.ts'
import { type Recipe, type ResourceTable, sourceOf } from '../source.ts'
import { addSums } from '../statistics/store.ts'
import { FLEET, type Sums } from '../statistics/sums.ts'
import { verify } from './verify.ts'
import { keepViolation } from './violation.ts'

/** After an event, when what KV serves is compared with D1: soon, when KV is as late as it says, and when later still. */
const AFTER_SECONDS = [5, 60, 120] as const
/** Of the events, this many times the sample of hits is followed: there are far fewer of them. */
const EVENT_FACTOR = 50

/** What an event made worth having ready. */
export interface Followed {
  eventId: string
  recipe: Recipe
}

/**
 * Has the consumer look again, later, at what one event of a batch has changed. Three messages, for a sample of the batches.
 * @param candidates what the batch's events changed
 */
export async function askForChecks(
  candidates: readonly Followed[],
  sample: number,
  queue: MessageQueue,
  runtime: Pick<Runtime, 'random'>,
): Promise<number> {
  const one = candidates[Math.floor(runtime.random() * candidates.length)]
  if (one === undefined || runtime.random() >= sample * EVENT_FACTOR) return 0
  await queue.sendBatch(
    AFTER_SECONDS.map((afterSeconds) => ({
      body: checkMessage({ ...one, afterSeconds }),
      delaySeconds: afterSeconds,
    })),
  )
  return AFTER_SECONDS.length
}

/**
 * Reads a key as an isolate without memory would, from KV and by its fence, and compares that with D1.
 * @returns for the report, what it found. Trouble is told, and no more: a check is not worth doing twice
 */
export async function checkServed(
  { recipe, eventId, afterSeconds }: Check,
  isolate: Isolate,
  io: Omit<RequestIo, 'waitUntil'>,
  resources: ResourceTable,
): Promise<Record<string, unknown>> {
  const about = { recipe, events: [eventId], afterSeconds }
  try {
    return { ...about, outcome: await check(recipe, isolate, { ...io, waitUntil: () => {} }, resources) }
  } catch (error) {
    return { ...about, outcome: 'unknown', error: String(error) }
  }
}

async function check(
  recipe: Recipe,
  isolate: Isolate,
  io: RequestIo,
  resources: ResourceTable,
): Promise<string> {
  const { runtime } = isolate
  const source = sourceOf(resources, recipe)
  const key = isolate.keyOf(source)
  if (!isolate.serves(key)) return 'not served'
  const served = await new Reader(isolate, io).served(key)
  const count = (sums: Sums) =>
    addSums(io.db, [{ at: runtime.now(), namespaces: { [FLEET]: sums } }], runtime.now())
  if (served === null) {
    await io.db.batch([count({ delayedAbsent: 1 })])
    return 'absent'
  }
  const verdict = await verify(isolate, io, source, served, 'delayed')
  if (verdict === 'unknown') return verdict
  if (typeof verdict === 'string') {
    await io.db.batch([count({ delayedChecks: 1, ...(verdict === 'younger' && { delayedYounger: 1 }) })])
    return verdict
  }
  isolate.noteViolation(verdict)
  const kept = keepViolation(io.db, verdict, runtime.now())
  await io.db.batch([count({ delayedChecks: 1, delayedViolations: 1 }), ...kept])
  return 'violation'
}
