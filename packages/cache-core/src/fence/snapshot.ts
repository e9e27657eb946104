import * as v from 'valibot'
import { isWild } from '../keys/pattern.ts'
import { ROW_ID } from '../log/tail.ts'
import type { Database, KeyValueStore } from '../ports.ts'
import { isPlaceCount } from './folded.ts'
import { PatternIndex } from './pattern-index.ts'

/** Where KV keeps the snapshot, beside the entries. */
export const SNAPSHOT_NAME = 'freshet:fence:v3'
/** A snapshot that nobody renews is of no use after a day. */
const SNAPSHOT_TTL_SECONDS = 86_400
/** A location may keep its copy this long: a late one costs a few rows of tail. */
const SNAPSHOT_CACHE_TTL_SECONDS = 30
/** Patterns in a snapshot before they are folded: about half of what a fence may hold. */
const MAX_SNAPSHOT_PATTERNS = 5_000
/** Rows of the log that are read for one: D1 has one thread. */
const MAX_SNAPSHOT_ROWS = 20_000
/** Patterns that are read for one: a row of a bulk write has many. */
const MAX_SNAPSHOT_SOURCES = 50_000
/** Patterns with wildcards that a snapshot goes on to have when their rows are gone. */
const MAX_PRUNED_WILD = 500

const SnapshotSchema = v.object({
  schema: v.literal(1),
  epoch: v.string(),
  head: v.number(),
  headEventId: v.string(),
  floor: v.number(),
  patterns: v.array(v.tuple([v.string(), v.pipe(v.number(), v.minValue(1))])),
  /** The older ones: about eight characters for each place in use. */
  folded: v.nullable(
    v.object({
      places: v.pipe(v.number(), v.check(isPlaceCount)),
      steps: v.custom<readonly number[]>(areSteps),
    }),
  ),
})

/** A fence's start: the state of the log at one moment, as an index. */
export type Snapshot = v.InferOutput<typeof SnapshotSchema>

/** In pairs. By hand, since there may be half a million of them, and an isolate's first read waits. */
function areSteps(input: unknown): boolean {
  return Array.isArray(input) && input.length % 2 === 0 && input.every((n) => Number.isInteger(n) && n >= 0)
}

/** The newest row past a position that is left out. */
const CUT = `coalesce((SELECT seq FROM invalidation_log WHERE seq > ?1 ORDER BY seq DESC LIMIT 1 OFFSET ${MAX_SNAPSHOT_ROWS}), 0)`
const SNAPSHOT_SQL = `SELECT value AS pattern, max(seq) AS seq FROM invalidation_log, json_each(patterns)
WHERE seq > max(?1, ${CUT}) GROUP BY value ORDER BY 2 DESC LIMIT ${MAX_SNAPSHOT_SOURCES + 1}`
const STATE_SQL = `SELECT s.epoch, s.pruned_to, ${CUT} AS cut, l.seq, l.event_id,
(SELECT ${ROW_ID} FROM invalidation_log WHERE seq = ?1) AS event_id_at
FROM invalidation_state s
JOIN (SELECT seq, ${ROW_ID} AS event_id FROM invalidation_log ORDER BY seq DESC LIMIT 1) l ON 1 WHERE s.id = 1`

const PatternRow = v.object({ pattern: v.fallback(v.string(), '*'), seq: v.number() })
const StateRow = v.object({
  epoch: v.string(),
  pruned_to: v.number(),
  cut: v.number(),
  seq: v.number(),
  event_id: v.string(),
  event_id_at: v.nullable(v.string()),
})

/**
 * Builds the snapshot. What is read for it is read in one transaction: rows, head, prune mark and epoch belong together.
 * @param previous an older one, however old: only the rows past its head are read then, so it goes on to know of rows that are too
 * many to be read each time. One of another line of history is not used
 * @param places that folded names share, a power of two
 * @returns null for an empty log, which needs none
 */
export async function buildSnapshot(
  db: Database,
  previous: Snapshot | null = null,
  places?: number,
): Promise<Snapshot | null> {
  const from = previous?.head ?? 0
  const statements = [SNAPSHOT_SQL, STATE_SQL].map((sql) => db.prepare(sql).bind(from))
  const [patternRows, stateRows] = await db.batch(statements)
  const state = v.parse(v.array(StateRow), stateRows?.results)[0]
  if (state === undefined) return null
  if (previous !== null && !isContinued(previous, state)) return buildSnapshot(db, null, places)
  const newest = v.parse(v.array(PatternRow), patternRows?.results)
  // What came before these is not known: neither from the rows nor from the one before.
  const leftOut = newest[MAX_SNAPSHOT_SOURCES]?.seq ?? 0
  let floor = Math.max(previous?.floor ?? 0, state.pruned_to, state.cut, leftOut)
  const index = new PatternIndex(places)
  for (const [pattern, seq] of previous?.patterns ?? []) if (seq > floor) index.add(pattern, seq)
  for (const [pattern, seq] of prunedWild(previous, floor)) index.add(pattern, seq)
  if (previous?.folded) index.merge(previous.folded, previous.head)
  for (const { pattern, seq } of newest) index.add(pattern, seq)
  while (index.size > MAX_SNAPSHOT_PATTERNS) floor = Math.max(floor, index.fold(MAX_SNAPSHOT_PATTERNS))
  return {
    schema: 1,
    epoch: state.epoch,
    head: state.seq,
    headEventId: state.event_id,
    floor,
    patterns: [...index.entries()],
    folded: index.pack(state.seq, floor),
  }
}

/** Patterns with wildcards that make nothing invalid any more, but name many keys in KV: the newest of them. */
function prunedWild(previous: Snapshot | null, floor: number): Snapshot['patterns'] {
  const wild = (previous?.patterns ?? []).filter(([pattern, seq]) => seq <= floor && isWild(pattern))
  return wild.sort(([, a], [, b]) => b - a).slice(0, MAX_PRUNED_WILD)
}

/** Whether the log went on from a snapshot: its head's row is still there, or was pruned. */
function isContinued({ epoch, head, headEventId }: Snapshot, state: v.InferOutput<typeof StateRow>): boolean {
  if (state.epoch !== epoch || state.seq < head) return false
  return state.event_id_at === headEventId || (state.event_id_at === null && state.pruned_to >= head)
}

/** Puts a snapshot into KV, with its place in the metadata so that the next run can tell whether it is still good. */
export async function writeSnapshot(kv: KeyValueStore, snapshot: Snapshot, now: number): Promise<void> {
  await kv.put(SNAPSHOT_NAME, JSON.stringify(snapshot), {
    expirationTtl: SNAPSHOT_TTL_SECONDS,
    metadata: {
      epoch: snapshot.epoch,
      head: snapshot.head,
      headEventId: snapshot.headEventId,
      writtenAt: now,
    },
  })
}

/** Reads the snapshot. @returns null when there is none, or none that can be read */
export async function readSnapshot(kv: KeyValueStore): Promise<Snapshot | null> {
  const { value } = await kv.getWithMetadata(SNAPSHOT_NAME, {
    type: 'text',
    cacheTtl: SNAPSHOT_CACHE_TTL_SECONDS,
  })
  if (value === null) return null
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), SnapshotSchema), value)
  return parsed.success ? parsed.output : null
}

const SnapshotMetadata = v.object({
  epoch: v.string(),
  head: v.number(),
  headEventId: v.string(),
  writtenAt: v.number(),
})

/** What the metadata of the snapshot in KV says. */
export type SnapshotMark = v.InferOutput<typeof SnapshotMetadata>

/** Reads that without using the snapshot itself. */
export async function readSnapshotMark(kv: KeyValueStore): Promise<SnapshotMark | null> {
  const { metadata } = await kv.getWithMetadata(SNAPSHOT_NAME, {
    type: 'text',
    cacheTtl: SNAPSHOT_CACHE_TTL_SECONDS,
  })
  const parsed = v.safeParse(SnapshotMetadata, metadata)
  return parsed.success ? parsed.output : null
}
