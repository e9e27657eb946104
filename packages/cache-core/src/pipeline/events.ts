import * as v from 'valibot'
import { formatBookmark } from '../bookmark.ts'
import { parsePattern } from '../keys/pattern.ts'
import { append } from '../log/append.ts'
import type { CacheConfigs } from '../policy.ts'
import type { Database, KeyValueStore, MessageQueue, Runtime, Statement } from '../ports.ts'
import type { WarmEvent } from '../warmer.ts'
import { fitsMessage } from './batches.ts'
import type { Budget } from './budget.ts'
import type { SeqPattern } from './coalesce.ts'
import { quarantine } from './dead-letters.ts'
import { type EventMessage, parsePipelineMessage, type Sweep, sweepMessage } from './message.ts'
import type { PipelineReport, QueueMessage } from './queue.ts'
import { retryDelaySeconds } from './retry.ts'
import { sweep, sweepRanges } from './sweep.ts'

/** What the events' consumer needs. */
export interface EventsDeps {
  db: Database
  kv: KeyValueStore
  /** The queue that this consumes: what is left of a sweep goes back to it. */
  queue: MessageQueue
  runtime: Runtime
  configs: CacheConfigs
  budget: Budget
  /** Sends the warm jobs that follow from events. @returns how many followed from each, in order */
  warm(events: readonly WarmEvent[]): Promise<readonly number[]>
  /** What an outside producer's event invalidates. Throws for a type or payload that it does not know. */
  patternsOf(type: string, payload: unknown): readonly string[]
  /** Which of an event's patterns name what must not stay in KV, and not merely be served no more. */
  mustGo(event: { type: string; payload: unknown; patterns: readonly string[] }): readonly string[]
  /** Puts a dead letter back where it belongs. @returns in words what became of it */
  replay(id: string): Promise<string>
  /** Sends the jobs of a full warm-up. @returns how many */
  warmAll(): Promise<number>
  report: PipelineReport
}

/** A row of the log as the consumer needs it. */
const LoggedRow = v.object({
  event_id: v.string(),
  seq: v.number(),
  type: v.string(),
  payload: v.pipe(v.string(), v.parseJson()),
  // What cannot be read invalidates everything, but it sweeps nothing.
  patterns: v.fallback(v.pipe(v.string(), v.parseJson(), v.array(v.string())), []),
  processed_at: v.nullable(v.number()),
  epoch: v.string(),
})
type Logged = v.InferOutput<typeof LoggedRow>

const FIND = `SELECT l.event_id, l.seq, l.type, l.payload, l.patterns, l.processed_at, s.epoch
FROM json_each(?1) w JOIN invalidation_log l ON l.event_id = w.value JOIN invalidation_state s ON s.id = 1`

/**
 * What became of each event of a batch. One that another batch has finished meanwhile stays as it is; and one that was finished,
 * pruned and logged once more is another row, for which nothing has been done yet.
 */
const MARK = `UPDATE invalidation_log SET
received_at = coalesce(received_at, ?2),
swept = swept + (e.value ->> 'swept'),
swept_at = CASE WHEN e.value ->> 'isSwept' THEN ?3 ELSE swept_at END,
warm_jobs = max(warm_jobs, e.value ->> 'warmJobs'),
processed_at = CASE WHEN e.value ->> 'isDone' THEN ?3 ELSE NULL END
FROM json_each(?1) e WHERE seq = e.value ->> 'seq' AND event_id = e.value ->> 'id' AND processed_at IS NULL`

/** What this batch did about one event. */
interface Progress {
  id: string
  seq: number
  warmJobs: number
  swept: number
  isSwept: boolean
  isDone: boolean
}

/** A batch, by what its messages ask for. */
interface Sorted {
  byId: Map<string, { message: EventMessage; copies: QueueMessage[] }>
  sweeps: { sweep: Sweep; message: QueueMessage }[]
  /** What operators ask for. */
  replays: { id: string; message: QueueMessage }[]
  warmUps: QueueMessage[]
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
    const progress = await work(logged, sorted.sweeps, deps)
    await mark(progress, receivedAt, deps)
    for (const { copies } of sorted.byId.values()) for (const copy of copies) copy.ack()
    for (const { message } of sorted.sweeps) message.ack()
    await serveOperators(sorted, deps)
    report({
      step: 'events',
      received: messages.length,
      distinct: sorted.byId.size,
      events: progress.filter(({ isDone }) => isDone).map(({ id }) => id),
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

/** Tells apart what the messages are, and gathers the copies of what is delivered more than once. */
function sort(messages: readonly QueueMessage[]): Sorted {
  const sorted: Sorted = { byId: new Map(), sweeps: [], replays: [], warmUps: [], poison: [] }
  for (const message of messages) {
    const parsed = parsePipelineMessage(message.body)
    if (parsed.kind === 'poison') sorted.poison.push({ message, problem: parsed.problem })
    else if (parsed.kind === 'sweep') sorted.sweeps.push({ sweep: parsed.message.sweep, message })
    else if (parsed.kind === 'warm all') sorted.warmUps.push(message)
    else if (parsed.kind === 'replay') sorted.replays.push({ id: parsed.message.replay, message })
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

const OwnPayload = v.object({ patterns: v.array(v.string()) })

/**
 * Whether the library sent it, which logs what it sends first. Without a row it was processed and pruned, or a restore took it
 * and began a new epoch: a late copy has no effect left, and logged again it would take back a value that was set since.
 */
function isOwn({ type, payload }: EventMessage): boolean {
  return type.startsWith('cache.') && v.is(OwnPayload, payload)
}

async function findLogged(db: Database, ids: readonly string[]): Promise<Map<string, Logged>> {
  if (ids.length === 0) return new Map()
  const [result] = await db.batch([db.prepare(FIND).bind(JSON.stringify(ids))])
  return new Map(v.parse(v.array(LoggedRow), result?.results).map((row) => [row.event_id, row]))
}

/** Sweeps and warms for all events that are not yet processed. */
async function work(
  logged: ReadonlyMap<string, Logged>,
  sweeps: Sorted['sweeps'],
  deps: EventsDeps,
): Promise<Progress[]> {
  const open = [...logged.values()].filter((row) => row.processed_at === null)
  const isOpen = new Set(open.map((row) => row.event_id))
  const progress = new Map<string, Progress>()
  for (const row of open) {
    progress.set(row.event_id, {
      id: row.event_id,
      seq: row.seq,
      warmJobs: 0,
      swept: 0,
      isSwept: false,
      isDone: true,
    })
  }
  const rests = sweeps.map(({ sweep: rest }) => ({
    ...rest,
    eventIds: rest.eventIds.filter((id) => isOpen.has(id) && logged.get(id)?.epoch === rest.epoch),
  }))
  const continued = new Set(rests.flatMap(({ eventIds }) => eventIds))
  const fresh = open.filter((row) => !continued.has(row.event_id))
  // Before any sweep, which may take its time: readers wait for what is warmed, nobody for what is swept.
  const jobs = await deps.warm(
    fresh.map(({ type, payload, epoch, seq }) => ({
      type,
      payload,
      seq,
      bookmark: formatBookmark(epoch, seq),
    })),
  )
  fresh.forEach((row, i) => {
    const own = progress.get(row.event_id)
    if (own !== undefined) own.warmJobs = jobs[i] ?? 0
  })
  // What is left of older sweeps first: their events wait the longest.
  for (const rest of rests) if (rest.eventIds.length > 0) await sweepOn(rest, progress, deps)
  const first = firstSweep(fresh, deps)
  if (first !== null) await sweepOn(first, progress, deps)
  return [...progress.values()]
}

/** One sweep for all events of a batch that want one. */
function firstSweep(rows: readonly Logged[], { configs, mustGo, report }: EventsDeps): Sweep | null {
  const patterns: SeqPattern[] = []
  const eventIds: string[] = []
  let epoch = ''
  for (const row of rows) {
    try {
      const own = mustGo(row)
      if (own.length === 0) continue
      eventIds.push(row.event_id)
      patterns.push(...own.map((pattern): SeqPattern => [pattern, row.seq]))
      epoch = row.epoch
    } catch (error) {
      // An event that the content model cannot read must not hold back the others of its batch.
      report({ step: 'not swept', type: row.type, error: String(error) })
    }
  }
  return eventIds.length === 0 ? null : { eventIds, ranges: sweepRanges(patterns, configs), epoch }
}

/**
 * Goes on with a sweep as far as the budget goes, and sends on what is left. Until all is done its events stay unprocessed:
 * should the message be lost, the relay sends them again, and the sweep begins anew with what is still there.
 */
async function sweepOn(rest: Sweep, progress: Map<string, Progress>, deps: EventsDeps): Promise<void> {
  const { kv, queue, budget, report } = deps
  let isSwept = false
  let deleted = 0
  try {
    const result = await sweep(kv, rest.ranges, rest.epoch, budget)
    deleted = result.deleted
    isSwept = result.rest.length === 0
    if (!isSwept) {
      const message = sweepMessage({ ...rest, ranges: result.rest })
      // One that no queue takes is left to the relay, too.
      if (fitsMessage(message)) await queue.send(message)
    }
  } catch (error) {
    report({ step: 'sweep failed', error: String(error), events: rest.eventIds })
  }
  report({ step: 'swept', deleted, isDone: isSwept, events: rest.eventIds })
  rest.eventIds.forEach((id, place) => {
    const own = progress.get(id)
    if (own === undefined) return
    own.isSwept = true
    own.isDone = isSwept
    // What several events swept together counts once.
    if (place === 0) own.swept += deleted
  })
}

async function mark(progress: readonly Progress[], receivedAt: number, deps: EventsDeps): Promise<void> {
  if (progress.length === 0) return
  const { db, runtime } = deps
  await db.batch([db.prepare(MARK).bind(JSON.stringify(progress), receivedAt, runtime.now())])
}

/** Last of all, and each by itself: what an operator asks for holds nothing back. */
async function serveOperators({ replays, warmUps }: Sorted, deps: EventsDeps): Promise<void> {
  for (const { id, message } of replays) {
    await serve(message, 'replay', async () => ({ deadLetter: id, outcome: await deps.replay(id) }), deps)
  }
  // Asked for twice, done once.
  const [first, ...others] = warmUps
  if (first === undefined) return
  await serve(first, 'full warm-up', async () => ({ jobs: await deps.warmAll() }), deps)
  for (const other of others) other.ack()
}

async function serve(
  message: QueueMessage,
  step: string,
  work: () => Promise<Record<string, unknown>>,
  { report, runtime }: EventsDeps,
): Promise<void> {
  try {
    report({ step, ...(await work()) })
    message.ack()
  } catch (error) {
    report({ step: `${step} failed`, error: String(error) })
    message.retry({ delaySeconds: retryDelaySeconds(message.attempts, runtime.random()) })
  }
}
