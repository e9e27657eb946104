import * as v from 'valibot'
import { formatBookmark } from '../bookmark.ts'
import { parsePattern } from '../keys/pattern.ts'
import { append } from '../log/append.ts'
import type { Database, Runtime, Statement } from '../ports.ts'
import type { WarmEvent } from '../warmer.ts'
import { quarantine } from './dead-letters.ts'
import { type EventMessage, parseEventMessage } from './message.ts'
import type { PipelineReport, QueueMessage } from './queue.ts'
import { retryDelaySeconds } from './retry.ts'

/** What the events' consumer needs. */
export interface EventsDeps {
  db: Database
  runtime: Runtime
  /** Sends the warm jobs that follow from events. */
  warm(events: readonly WarmEvent[]): Promise<unknown>
  /** What an outside producer's event invalidates. Throws for a type or payload that it does not know. */
  patternsOf(type: string, payload: unknown): readonly string[]
  report: PipelineReport
}

/** A row of the log as the consumer needs it. */
const LoggedRow = v.object({
  event_id: v.string(),
  seq: v.number(),
  type: v.string(),
  payload: v.pipe(v.string(), v.parseJson()),
  processed_at: v.nullable(v.number()),
  epoch: v.string(),
})
type Logged = v.InferOutput<typeof LoggedRow>

const FIND = `SELECT l.event_id, l.seq, l.type, l.payload, l.processed_at, s.epoch
FROM json_each(?1) w JOIN invalidation_log l ON l.event_id = w.value JOIN invalidation_state s ON s.id = 1`
const MARK = `UPDATE invalidation_log SET processed_at = ?2
WHERE event_id IN (SELECT value FROM json_each(?1)) AND processed_at IS NULL`

/**
 * Consumes a batch of `cache-events`. The log has already invalidated what the events invalidate; here follows what makes
 * things faster. Each step may be repeated, and events may come in any order, without harm: an event is acked only after
 * its effect, and one that the log calls processed has none.
 */
export async function handleEvents(
  queue: string,
  messages: readonly QueueMessage[],
  deps: EventsDeps,
): Promise<void> {
  const { db, runtime, report } = deps
  try {
    const { byId, poison } = validate(messages)
    const logged = await findLogged(db, [...byId.keys()])
    const now = runtime.now()
    const unlogged = new Map<string, Statement>()
    for (const [id, { message, copies }] of byId) {
      if (logged.has(id)) continue
      try {
        const { type, payload } = message
        const patterns = deps.patternsOf(type, payload).map(parsePattern)
        unlogged.set(id, append(db, { id, type, payload, patterns }, now))
      } catch (error) {
        for (const copy of copies) poison.push({ message: copy, problem: String(error) })
        byId.delete(id)
      }
    }
    const writes = [
      ...unlogged.values(),
      ...poison.map(({ message, problem }) => quarantine(db, queue, message, problem, now)),
    ]
    if (writes.length > 0) await db.batch(writes)
    for (const { message, problem } of poison) {
      report({ step: 'quarantined', queue, message: message.id, problem })
      message.ack()
    }
    for (const [id, row] of await findLogged(db, [...unlogged.keys()])) logged.set(id, row)
    await process(logged, deps)
    for (const { copies } of byId.values()) for (const copy of copies) copy.ack()
    report({ step: 'events', received: messages.length, distinct: byId.size, quarantined: poison.length })
  } catch (error) {
    report({ step: 'events failed', error: String(error), received: messages.length })
    for (const message of messages)
      message.retry({ delaySeconds: retryDelaySeconds(message.attempts, runtime.random()) })
  }
}

interface Received {
  message: EventMessage
  copies: QueueMessage[]
}

/** Sorts out what is no event, and gathers the copies of what is delivered more than once. */
function validate(messages: readonly QueueMessage[]) {
  const byId = new Map<string, Received>()
  const poison: { message: QueueMessage; problem: string }[] = []
  for (const message of messages) {
    const parsed = parseEventMessage(message.body)
    if ('problem' in parsed) {
      poison.push({ message, problem: parsed.problem })
      continue
    }
    const received = byId.get(parsed.message.id)
    if (received === undefined) byId.set(parsed.message.id, { message: parsed.message, copies: [message] })
    else received.copies.push(message)
  }
  return { byId, poison }
}

async function findLogged(db: Database, ids: readonly string[]): Promise<Map<string, Logged>> {
  if (ids.length === 0) return new Map()
  const [result] = await db.batch([db.prepare(FIND).bind(JSON.stringify(ids))])
  return new Map(v.parse(v.array(LoggedRow), result?.results).map((row) => [row.event_id, row]))
}

async function process(logged: ReadonlyMap<string, Logged>, deps: EventsDeps): Promise<void> {
  const open = [...logged.values()].filter((row) => row.processed_at === null)
  if (open.length === 0) return
  await deps.warm(
    open.map(({ type, payload, epoch, seq }) => ({ type, payload, bookmark: formatBookmark(epoch, seq) })),
  )
  const ids = JSON.stringify(open.map((row) => row.event_id))
  await deps.db.batch([deps.db.prepare(MARK).bind(ids, deps.runtime.now())])
}
