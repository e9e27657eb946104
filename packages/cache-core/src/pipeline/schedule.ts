import * as v from 'valibot'
import { withDeadline } from '../deadline.ts'
import { epochMove } from '../fence/epoch.ts'
import {
  buildSnapshot,
  readSnapshot,
  readSnapshotMark,
  type SnapshotMark,
  writeSnapshot,
} from '../fence/snapshot.ts'
import { ROW_ID } from '../log/tail.ts'
import type { CacheConfigs } from '../policy.ts'
import type { Database, KeyValueStore, MessageQueue, Runtime } from '../ports.ts'
import { addBacklog, rollUp } from '../statistics/store.ts'
import { backlogOf } from './backlog.ts'
import { countLetters, forgetCounts } from './counts.ts'
import { forgetLetters } from './dead-letters.ts'
import { claim, release } from './lease.ts'
import { forgetUnread } from './popularity.ts'
import { prune } from './prune.ts'
import type { PipelineReport } from './queue.ts'
import { relay } from './relay.ts'

/** The snapshot is written at most this often, unless so many rows lie past it that starting from it takes pages. */
const SNAPSHOT_EVERY_MS = 120_000
const SNAPSHOT_ROWS = 2_000
const WARM_EVERY_MINUTES = 5

/** A D1 that takes this long over one row is overloaded. */
const SLOW_MS = 1_000
/** Longer than a run takes, unless it died. */
const LEASE_MS = 5 * 60_000
/** A part that takes longer has failed: a KV that hangs must not keep the others from their turn. */
const PART_DEADLINE_MS = 60_000
/** Once a day: the hour in which it is due has several batches. */
const FULL_WARM_MS = 2 * 3_600_000

/** What the schedule needs. */
export interface ScheduleDeps {
  db: Database
  kv: KeyValueStore
  events: MessageQueue
  configs: CacheConfigs
  /** Of the snapshot's table. Where the API's isolates have more or fewer, they agree with it on fewer names. */
  foldedPlaces: number
  /** The hour of the day, UTC, in which everything is warmed anew; null for none. */
  warmHourUtc: number | null
  /** Sends the scheduled warm jobs; `isSlow`: D1 has more to do than it can. @returns how many */
  warm(isFull: boolean, isSlow: boolean): Promise<number>
  /** Tells somebody of health that became critical. @returns for the report, what was done */
  alert?(): Promise<string>
  runtime: Runtime
  report: PipelineReport
}

/**
 * The work of one minute. Its parts do not depend on each other: one that fails is reported, and the others go on. While another
 * run is still at it, there is nothing to do.
 * @param scheduledAt the minute that this run is for, ms
 * @throws the first failure, after all parts have had their turn, so that the platform counts the run as failed
 */
export async function runSchedule(scheduledAt: number, deps: ScheduleDeps): Promise<void> {
  const { db, configs, events, runtime } = deps
  const lease = { name: 'schedule', holder: runtime.uuid(), ms: LEASE_MS }
  const askedAt = runtime.now()
  const isOurs = await claim(db, lease, askedAt)
  // The first answer of D1 tells how much it has to do: one row, found by its key.
  const isSlow = runtime.now() - askedAt > SLOW_MS
  if (!isOurs) {
    deps.report({ step: 'schedule skipped', result: 'another run is still at it' })
    return
  }
  const failures: unknown[] = []
  const part = async (step: string, work: () => Promise<number | string>) => {
    try {
      deps.report({ step, result: await withDeadline(runtime, work(), PART_DEADLINE_MS, step) })
    } catch (error) {
      failures.push(error)
      deps.report({ step: `${step} failed`, error: String(error) })
    }
  }
  await part('relay', () => relay(db, events, runtime.now()))
  await part('prune', () => prune(db, configs, runtime.now()))
  await part('snapshot', () => refreshSnapshot({ ...deps, now: runtime.now }))
  await part('statistics', () => keepStatistics(deps))
  if (Math.floor(scheduledAt / 60_000) % WARM_EVERY_MINUTES === 0) {
    await part('warm', () => warm(scheduledAt, isSlow, deps))
    await part('forget', () => forget(db, runtime.now()))
  }
  const { alert } = deps
  if (alert !== undefined) await part('alert', alert)
  await part('release', async () => {
    await release(db, lease)
    return 'done'
  })
  if (failures.length > 0) throw failures[0]
}

/**
 * Sends the batch of this minute. The first one of the day's hour is the full one; its lease, which is never given back, tells the
 * others so. One that could not send anything leaves it to the next.
 */
async function warm(scheduledAt: number, isSlow: boolean, deps: ScheduleDeps): Promise<number> {
  const { db, warmHourUtc, runtime } = deps
  const lease = { name: 'full warm-up', holder: runtime.uuid(), ms: FULL_WARM_MS }
  const isHour = new Date(scheduledAt).getUTCHours() === warmHourUtc
  const isFull = isHour && (await claim(db, lease, runtime.now()))
  let sent = 0
  try {
    sent = await deps.warm(isFull, isSlow)
  } finally {
    if (isFull && sent === 0) await release(db, lease)
  }
  return sent
}

/** Notes the backlog of events and the new dead letters, rolls up what is over and drops what is past its time. @returns how many rows changed */
async function keepStatistics({ db, events, runtime }: ScheduleDeps): Promise<number> {
  const backlog = await backlogOf(events)
  const noted = backlog === null ? [] : [addBacklog(db, backlog, runtime.now())]
  const results = await db.batch([...noted, countLetters(db, runtime.now()), ...rollUp(db, runtime.now())])
  return results.reduce((sum, { meta }) => sum + (meta.changes ?? 0), 0)
}

/** Keeps the pipeline's own tables small. @returns how many rows went */
async function forget(db: Database, now: number): Promise<number> {
  const results = await db.batch([forgetUnread(db, now), forgetCounts(db, now), forgetLetters(db)])
  return results.reduce((sum, { meta }) => sum + (meta.changes ?? 0), 0)
}

const StateRow = v.object({
  epoch: v.string(),
  pruned_to: v.number(),
  head: v.nullable(v.number()),
  event_at_mark: v.nullable(v.string()),
  past: v.number(),
})
type State = v.InferOutput<typeof StateRow>
const STATE = `SELECT s.epoch, s.pruned_to, (SELECT max(seq) FROM invalidation_log) AS head,
(SELECT ${ROW_ID} FROM invalidation_log WHERE seq = ?1) AS event_at_mark,
(SELECT count(*) FROM (SELECT 1 FROM invalidation_log WHERE seq > ?1 LIMIT ${SNAPSHOT_ROWS + 1})) AS past
FROM invalidation_state s WHERE s.id = 1`

/** Writes the fence snapshot where that is worth a KV write. @returns what was done, for the report */
export async function refreshSnapshot(deps: {
  db: Database
  kv: KeyValueStore
  foldedPlaces: number
  now(): number
}): Promise<string> {
  const { db, kv, foldedPlaces, now } = deps
  const mark = await readSnapshotMark(kv)
  const [result] = await db.batch([db.prepare(STATE).bind(mark?.head ?? 0)])
  const state = v.parse(v.array(StateRow), result?.results)[0]
  if (state === undefined) throw new Error('the invalidation log has no state row: run its migrations')
  const isRestored = mark !== null && mark.epoch === state.epoch && !continues(mark, state)
  if (isRestored) await db.batch([epochMove(db, state.epoch)])
  else if (mark !== null && mark.epoch === state.epoch) {
    if (mark.head === state.head) return 'unchanged'
    if (now() - mark.writtenAt < SNAPSHOT_EVERY_MS && state.past <= SNAPSHOT_ROWS) return 'recent'
  }
  const snapshot = await buildSnapshot(db, await readSnapshot(kv), foldedPlaces)
  if (snapshot !== null) await writeSnapshot(kv, snapshot, now())
  if (isRestored) return 'restored: new epoch'
  return snapshot === null ? 'empty log' : 'written'
}

/**
 * Whether the log still is the one that the snapshot is of. On an idle site nobody else may be left who remembers that it went
 * further, and the next snapshot would hide it.
 */
function continues(mark: SnapshotMark, state: State): boolean {
  if (state.event_at_mark === null) return state.pruned_to >= mark.head
  return state.event_at_mark === mark.headEventId
}
