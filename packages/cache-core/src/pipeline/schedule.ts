import * as v from 'valibot'
import { epochMove } from '../fence/epoch.ts'
import { buildSnapshot, readSnapshotMark, type SnapshotMark, writeSnapshot } from '../fence/snapshot.ts'
import { ROW_ID } from '../log/tail.ts'
import type { CacheConfigs } from '../policy.ts'
import type { Database, KeyValueStore, MessageQueue } from '../ports.ts'
import { prune } from './prune.ts'
import type { PipelineReport } from './queue.ts'
import { relay } from './relay.ts'

/** The snapshot is written at most this often, unless so many rows lie past it that starting from it takes pages. */
const SNAPSHOT_EVERY_MS = 120_000
const SNAPSHOT_ROWS = 2_000
const WARM_EVERY_MINUTES = 5

/** What the schedule needs. */
export interface ScheduleDeps {
  db: Database
  kv: KeyValueStore
  events: MessageQueue
  configs: CacheConfigs
  /** Sends the scheduled warm jobs. @returns how many */
  warm(): Promise<number>
  /** Clock, ms. */
  now(): number
  report: PipelineReport
}

/**
 * The work of one minute. Its parts do not depend on each other: one that fails is reported, and the others go on.
 * @param scheduledAt the minute that this run is for, ms
 * @throws the first failure, after all parts have had their turn, so that the platform counts the run as failed
 */
export async function runSchedule(scheduledAt: number, deps: ScheduleDeps): Promise<void> {
  const { db, configs, events } = deps
  const failures: unknown[] = []
  const part = async (step: string, work: () => Promise<number | string>) => {
    try {
      deps.report({ step, result: await work() })
    } catch (error) {
      failures.push(error)
      deps.report({ step: `${step} failed`, error: String(error) })
    }
  }
  await part('relay', () => relay(db, events, deps.now()))
  await part('prune', () => prune(db, configs, deps.now()))
  await part('snapshot', () => refreshSnapshot(deps))
  if (Math.floor(scheduledAt / 60_000) % WARM_EVERY_MINUTES === 0) await part('warm', () => deps.warm())
  if (failures.length > 0) throw failures[0]
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
export async function refreshSnapshot(deps: Pick<ScheduleDeps, 'db' | 'kv' | 'now'>): Promise<string> {
  const { db, kv, now } = deps
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
  const snapshot = await buildSnapshot(db)
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
