import * as v from 'valibot'
import { formatBookmark } from '../bookmark.ts'
import { parsePattern } from '../keys/pattern.ts'
import { append } from '../log/append.ts'
import type { CacheConfigs } from '../policy.ts'
import type { Database, KeyValueStore, MessageQueue, Runtime, Statement } from '../ports.ts'
import type { Recipe } from '../source.ts'
import type { WarmEvent } from '../warmer.ts'
import { fitsMessage } from './batches.ts'
import type { Budget } from './budget.ts'
import type { SeqPattern } from './coalesce.ts'
import { quarantine } from './dead-letters.ts'
import {
  type Check,
  type EventMessage,
  isOwn,
  parsePipelineMessage,
  type Sweep,
  sweepMessage,
} from './message.ts'
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
  /** Sends jobs for what an operator names. @returns how many */
  warmRecipes(recipes: readonly Recipe[]): Promise<number>
  /** Compares what KV serves with D1. @returns for the report, what it found */
  check(check: Check): Promise<Record<string, unknown>>
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
  swept_at: v.nullable(v.number()),
  sweep_link: v.nullable(v.string()),
  epoch: v.string(),
})
type Logged = v.InferOutput<typeof LoggedRow>

const FIND = `SELECT l.event_id, l.seq, l.type, l.payload, l.patterns, l.processed_at,
l.swept_at, l.sweep_link, s.epoch
FROM json_each(?1) w JOIN invalidation_log l ON l.event_id = w.value JOIN invalidation_state s ON s.id = 1`

/**
 * What became of each event of a batch. One that another batch has finished meanwhile stays as it is; and one that was finished,
 * pruned and logged once more is another row, for which nothing has been done yet.
 */
const MARK = `UPDATE invalidation_log SET
received_at = coalesce(received_at, ?2),
swept = swept + (e.value ->> 'swept'),
swept_at = CASE WHEN e.value ->> 'isSwept' THEN ?3 ELSE swept_at END,
sweep_link = e.value ->> 'next',
warm_jobs = max(warm_jobs, e.value ->> 'warmJobs'),
processed_at = CASE WHEN e.value ->> 'isDone' THEN ?3 ELSE NULL END
FROM json_each(?1) e WHERE seq = e.value ->> 'seq' AND event_id = e.value ->> 'id' AND processed_at IS NULL
AND sweep_link IS (e.value ->> 'link') RETURNING event_id`
const MarkedRow = v.object({ event_id: v.string() })

/** A sweep that has not moved for so long was lost with its message, and may be begun anew. */
const SWEEP_LOST_MS = 120_000
/** One that met a failure of KV goes on after this, well before it counts as lost. */
const FAILED_DELAY_SECONDS = 30

/** What this batch did about one event. */
interface Progress {
  id: string
  seq: number
  warmJobs: number
  swept: number
  isSwept: boolean
  isDone: boolean
  /** What the row names as the message that goes on with its sweep, when it was read and from now on. */
  link: string | null
  next: string | null
}

/** What is left of a sweep, to be sent once its rows name it. */
interface Rest {
  message: ReturnType<typeof sweepMessage>
  delaySeconds: number
}

/** A batch, by what its messages ask for. */
interface Sorted {
  byId: Map<string, { message: EventMessage; copies: QueueMessage[] }>
  sweeps: { sweep: Sweep; message: QueueMessage }[]
  /** What operators ask for. */
  replays: { id: string; message: QueueMessage }[]
  warmUps: QueueMessage[]
  recipes: { recipes: readonly Recipe[]; message: QueueMessage }[]
  /** What KV serves, to be compared with D1. */
  checks: { check: Check; message: QueueMessage }[]
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
    const marked = await mark(progress, receivedAt, deps)
    await sendRests(rests, marked, deps)
    for (const { copies } of sorted.byId.values()) for (const copy of copies) copy.ack()
    for (const { message } of sorted.sweeps) message.ack()
    await serveOperators(sorted, deps)
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
  const sorted: Sorted = {
    byId: new Map(),
    sweeps: [],
    replays: [],
    warmUps: [],
    recipes: [],
    checks: [],
    poison: [],
  }
  for (const message of messages) {
    const parsed = parsePipelineMessage(message.body)
    if (parsed.kind === 'poison') sorted.poison.push({ message, problem: parsed.problem })
    else if (parsed.kind === 'sweep') sorted.sweeps.push({ sweep: parsed.message.sweep, message })
    else if (parsed.kind === 'warm all') sorted.warmUps.push(message)
    else if (parsed.kind === 'warm recipes') sorted.recipes.push({ recipes: parsed.message.warm, message })
    else if (parsed.kind === 'check') sorted.checks.push({ check: parsed.message.check, message })
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

async function findLogged(db: Database, ids: readonly string[]): Promise<Map<string, Logged>> {
  if (ids.length === 0) return new Map()
  const [result] = await db.batch([db.prepare(FIND).bind(JSON.stringify(ids))])
  return new Map(v.parse(v.array(LoggedRow), result?.results).map((row) => [row.event_id, row]))
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
    if (own !== undefined) own.warmJobs = jobs[i] ?? 0
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

/** Whether a row names this message as the one that goes on. Of a copy, or a late one, it names another one by now. */
function isNamed(row: Logged, { link, epoch, eventIds }: Sweep): boolean {
  return row.sweep_link === link && row.epoch === epoch && eventIds.includes(row.event_id)
}

/** Whether some message is on its way that goes on with the sweep of this event: then it is not begun anew. */
function isUnderWay({ sweep_link, swept_at }: Logged, now: number): boolean {
  return sweep_link !== null && now - (swept_at ?? 0) < SWEEP_LOST_MS
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
  return eventIds.length === 0 ? null : { eventIds, ranges: sweepRanges(patterns, configs), epoch, link: '' }
}

/**
 * Goes on with a sweep as far as the budget goes. Until all is done its events stay unprocessed: should the message be lost,
 * the relay sends them again, and the sweep begins anew with what is still there.
 * @returns what is left of it
 */
async function sweepOn(
  rest: Sweep,
  progress: ReadonlyMap<string, Progress>,
  deps: EventsDeps,
): Promise<Rest | null> {
  const { kv, budget, report, runtime } = deps
  const { deleted, rest: ranges, error } = await sweep(kv, rest.ranges, rest.epoch, budget)
  if (error !== null) report({ step: 'sweep failed', error, events: rest.eventIds })
  const isDone = ranges.length === 0
  const link = isDone ? null : runtime.uuid()
  report({ step: 'swept', deleted, isDone, events: rest.eventIds })
  rest.eventIds.forEach((id, place) => {
    const own = progress.get(id)
    if (own === undefined) return
    own.isSwept = true
    own.isDone = isDone
    own.next = link
    // What several events swept together counts once.
    if (place === 0) own.swept += deleted
  })
  if (link === null) return null
  // What fails now would fail again at once.
  const delaySeconds = error === null ? 0 : FAILED_DELAY_SECONDS
  return { message: sweepMessage({ ...rest, ranges, link }), delaySeconds }
}

/** @returns the ids of the events whose rows were as they had been read: those of others are somebody else's work */
async function mark(
  progress: readonly Progress[],
  receivedAt: number,
  { db, runtime }: EventsDeps,
): Promise<Set<string>> {
  if (progress.length === 0) return new Set()
  const [result] = await db.batch([
    db.prepare(MARK).bind(JSON.stringify(progress), receivedAt, runtime.now()),
  ])
  return new Set(v.parse(v.array(MarkedRow), result?.results).map((row) => row.event_id))
}

/**
 * Sends what is left of sweeps, once their rows name it. Of several copies only one gets so far: otherwise each copy of
 * a message would have a chain of its own, whose messages have copies again. What is not sent, or is too large for a queue, is
 * left to the relay.
 */
async function sendRests(
  rests: readonly Rest[],
  marked: ReadonlySet<string>,
  deps: EventsDeps,
): Promise<void> {
  for (const { message: of, delaySeconds } of rests) {
    const { sweep: rest } = of
    const eventIds = rest.eventIds.filter((id) => marked.has(id))
    const message = sweepMessage({ ...rest, eventIds })
    if (eventIds.length === 0 || !fitsMessage(message)) continue
    try {
      await deps.queue.send(message, { delaySeconds })
    } catch (error) {
      deps.report({ step: 'sweep not sent on', error: String(error), events: eventIds })
    }
  }
}

/** Last of all, and each by itself: what an operator asks for holds nothing back. */
async function serveOperators(sorted: Sorted, deps: EventsDeps): Promise<void> {
  const { replays, warmUps } = sorted
  for (const { id, message } of replays) {
    await serve(message, 'replay', async () => ({ deadLetter: id, outcome: await deps.replay(id) }), deps)
  }
  for (const { recipes, message } of sorted.recipes) {
    await serve(message, 'warm-up', async () => ({ jobs: await deps.warmRecipes(recipes) }), deps)
  }
  for (const { check, message } of sorted.checks) {
    await serve(message, 'check', () => deps.check(check), deps)
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
