import { formatBookmark } from '../bookmark.ts'
import { parsePattern } from '../keys/pattern.ts'
import { append } from '../log/append.ts'
import type { Database, Statement } from '../ports.ts'
import type { WarmEvent } from '../warmer.ts'
import { quarantine } from './dead-letters.ts'
import { findLogged, type Logged, mark, type Progress } from './event-rows.ts'
import { type EventMessage, isOwn, parsePipelineMessage, type Sweep } from './message.ts'
import { type Ask, type OperatorDeps, serveOperators } from './operators.ts'
import type { QueueMessage } from './queue.ts'
import { retryDelaySeconds } from './retry.ts'
import {
  firstSweep,
  isNamed,
  isUnderWay,
  type Rest,
  type SweepDeps,
  sendRests,
  sweepOn,
} from './sweep-chain.ts'

/** What the events' consumer needs. */
export interface EventsDeps extends SweepDeps, OperatorDeps {
  db: Database
  /** Sends the warm jobs that follow from events. @returns what follows from each, in order */
  warm(events: readonly WarmEvent[]): Promise<readonly (readonly unknown[])[]>
  /** What an outside producer's event invalidates. Throws for a type or payload that it does not know. */
  patternsOf(type: string, payload: unknown): readonly string[]
}

/** A batch, by what its messages ask for. */
interface Sorted {
  byId: Map<string, { message: EventMessage; copies: QueueMessage[] }>
  sweeps: { sweep: Sweep; message: QueueMessage }[]
  asks: Ask[]
  poison: { message: QueueMessage; problem: string }[]
}

/**
 * Consumes a batch of `cache-events`. The log has already invalidated what the events invalidate; here follows what makes
 * things faster, and what must not stay in KV. Each step may be repeated, and events may come in any order, without harm: an
 * event is acked only after its effect, and one that the log calls processed has none.
 */
export async function handleEvents(
  queue: string,
  messages: readonly QueueMessage[],
  deps: EventsDeps,
): Promise<void> {
  const { runtime, report } = deps
  const receivedAt = runtime.now()
  try {
    const sorted = sort(messages)
    const logged = await log(queue, sorted, deps)
    const { progress, rests } = await work(logged, sorted.sweeps, deps)
    const marked = await mark(deps.db, progress, receivedAt, runtime.now())
    await sendRests(rests, marked, deps)
    for (const { copies } of sorted.byId.values()) for (const copy of copies) copy.ack()
    for (const { message } of sorted.sweeps) message.ack()
    await serveOperators(sorted.asks, deps)
    report({
      step: 'events',
      received: messages.length,
      distinct: sorted.byId.size,
      events: progress.filter(({ id, isDone }) => isDone && marked.has(id)).map(({ id }) => id),
      requests: requestsOf(sorted),
      swept: progress.reduce((sum, { swept }) => sum + swept, 0),
      warmJobs: progress.reduce((sum, { warmJobs }) => sum + warmJobs, 0),
      quarantined: sorted.poison.length,
      ms: runtime.now() - receivedAt,
    })
  } catch (error) {
    report({ step: 'events failed', error: String(error), received: messages.length })
    for (const message of messages)
      message.retry({ delaySeconds: retryDelaySeconds(message.attempts, runtime.random()) })
  }
}

/** The requests that the events came from, by event: what a line of the API's log is found by. */
function requestsOf({ byId }: Sorted): Record<string, string> {
  const requests: Record<string, string> = {}
  for (const [id, { message }] of byId) if (message.requestId !== undefined) requests[id] = message.requestId
  return requests
}

/** Tells apart what the messages are, and gathers the copies of what is delivered more than once. */
function sort(messages: readonly QueueMessage[]): Sorted {
  const sorted: Sorted = { byId: new Map(), sweeps: [], asks: [], poison: [] }
  for (const message of messages) {
    const parsed = parsePipelineMessage(message.body)
    if (parsed.kind === 'poison') sorted.poison.push({ message, problem: parsed.problem })
    else if (parsed.kind === 'sweep') sorted.sweeps.push({ sweep: parsed.message.sweep, message })
    else if (parsed.kind !== 'event') sorted.asks.push({ ...parsed, copy: message })
    else {
      const received = sorted.byId.get(parsed.message.id)
      if (received === undefined)
        sorted.byId.set(parsed.message.id, { message: parsed.message, copies: [message] })
      else received.copies.push(message)
    }
  }
  return sorted
}

/** Gives outside producers' events their place in the log and sets aside what nobody can read. @returns the events' rows */
async function log(queue: string, sorted: Sorted, deps: EventsDeps): Promise<Map<string, Logged>> {
  const { db, runtime, report } = deps
  const { byId, sweeps, poison } = sorted
  const wanted = new Set([...byId.keys(), ...sweeps.flatMap(({ sweep }) => sweep.eventIds)])
  const logged = await findLogged(db, [...wanted])
  const now = runtime.now()
  const unlogged = new Map<string, Statement>()
  for (const [id, { message, copies }] of byId) {
    if (logged.has(id) || isOwn(message)) continue
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
  return logged
}

/** Warms and sweeps for all events that are not yet processed. */
async function work(
  logged: ReadonlyMap<string, Logged>,
  sweeps: Sorted['sweeps'],
  deps: EventsDeps,
): Promise<{ progress: Progress[]; rests: Rest[] }> {
  const progress = new Map<string, Progress>()
  const follow = (row: Logged) => {
    const { event_id: id, seq, sweep_link: link } = row
    progress.set(id, { id, seq, warmJobs: 0, swept: 0, isSwept: false, isDone: true, link, next: null })
  }
  const open = [...logged.values()].filter((row) => row.processed_at === null)
  const continued = sweeps.flatMap(({ sweep: rest }) => {
    const rows = open.filter((row) => isNamed(row, rest) && !progress.has(row.event_id))
    rows.forEach(follow)
    return rows.length === 0 ? [] : [{ ...rest, eventIds: rows.map((row) => row.event_id) }]
  })
  const now = deps.runtime.now()
  const begun = open.filter((row) => !progress.has(row.event_id) && !isUnderWay(row, now))
  begun.forEach(follow)
  // Before any sweep, which may take its time: readers wait for what is warmed, nobody for what is swept.
  const jobs = await deps.warm(
    begun.map(({ event_id: id, type, payload, epoch, seq }) => ({
      id,
      type,
      payload,
      seq,
      bookmark: formatBookmark(epoch, seq),
    })),
  )
  begun.forEach((row, i) => {
    const own = progress.get(row.event_id)
    if (own !== undefined) own.warmJobs = jobs[i]?.length ?? 0
  })
  const first = firstSweep(begun, deps)
  const rests: Rest[] = []
  // What is left of older sweeps first: their events wait the longest.
  for (const rest of first === null ? continued : [...continued, first]) {
    const left = await sweepOn(rest, progress, deps)
    if (left !== null) rests.push(left)
  }
  return { progress: [...progress.values()], rests }
}
