import { withDeadline } from '../deadline.ts'
import type { CacheConfigs } from '../policy.ts'
import type { KeyValueStore, MessageQueue, Runtime } from '../ports.ts'
import { fitsMessage } from './batches.ts'
import type { Budget } from './budget.ts'
import type { SeqPattern } from './coalesce.ts'
import type { Logged, Progress } from './event-rows.ts'
import { type Sweep, sweepMessage } from './message.ts'
import type { PipelineReport } from './queue.ts'
import { sweep, sweepRanges } from './sweep.ts'

/** A sweep that has not moved for so long was lost with its message, and may be begun anew. */
const SWEEP_LOST_MS = 120_000
/** One that met a failure of KV goes on after this, well before it counts as lost. */
const FAILED_DELAY_SECONDS = 30

/** A page, or a deletion, that takes longer has failed: one that hung would hold the batch's events for as long as an invocation lives. */
const KV_DEADLINE_MS = 10_000

/** What a chain of sweep messages needs. */
export interface SweepDeps {
  kv: KeyValueStore
  /** Where what is left of a sweep goes. */
  queue: MessageQueue
  runtime: Runtime
  configs: CacheConfigs
  budget: Budget
  /** Which of an event's patterns name what must not stay in KV, and not merely be served no more. */
  mustGo(event: { type: string; payload: unknown; patterns: readonly string[] }): readonly string[]
  report: PipelineReport
}

/** What is left of a sweep, to be sent once its rows name it. */
export interface Rest {
  message: ReturnType<typeof sweepMessage>
  delaySeconds: number
}

/** Whether a row names this message as the one that goes on. Of a copy, or a late one, it names another one by now. */
export function isNamed(row: Logged, { link, epoch, eventIds }: Sweep): boolean {
  return row.sweep_link === link && row.epoch === epoch && eventIds.includes(row.event_id)
}

/** Whether some message is on its way that goes on with the sweep of this event: then it is not begun anew. */
export function isUnderWay({ sweep_link, swept_at }: Logged, now: number): boolean {
  return sweep_link !== null && now - (swept_at ?? 0) < SWEEP_LOST_MS
}

/** One sweep for all events of a batch that want one. */
export function firstSweep(rows: readonly Logged[], { configs, mustGo, report }: SweepDeps): Sweep | null {
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
export async function sweepOn(
  rest: Sweep,
  progress: ReadonlyMap<string, Progress>,
  deps: SweepDeps,
): Promise<Rest | null> {
  const { kv, budget, report, runtime } = deps
  const {
    deleted,
    rest: ranges,
    error,
  } = await sweep(impatient(kv, runtime), rest.ranges, rest.epoch, budget)
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

function impatient(kv: KeyValueStore, runtime: Runtime): Pick<KeyValueStore, 'list' | 'delete'> {
  return {
    list: (options) => withDeadline(runtime, kv.list(options), KV_DEADLINE_MS, 'a KV list'),
    delete: (name) => withDeadline(runtime, kv.delete(name), KV_DEADLINE_MS, 'a KV delete'),
  }
}

/**
 * Sends what is left of sweeps, once their rows name it. Of several copies only one gets so far: otherwise each copy of
 * a message would have a chain of its own, whose messages have copies again. What is not sent, or is too large for a queue, is
 * left to the relay.
 */
export async function sendRests(
  rests: readonly Rest[],
  marked: ReadonlySet<string>,
  deps: SweepDeps,
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
