import * as v from 'valibot'
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
/** Rows of the log that a snapshot is made from: D1 has one thread, and nobody starts from the oldest of them. */
const MAX_SNAPSHOT_ROWS = 20_000
/** Patterns that it is made from: a row of a bulk write has many. What is folded of them takes about a dozen characters each. */
const MAX_SNAPSHOT_SOURCES = 50_000

const SnapshotSchema = v.object({
  schema: v.literal(1),
  epoch: v.string(),
  head: v.number(),
  headEventId: v.string(),
  floor: v.number(),
  patterns: v.array(v.tuple([v.string(), v.number()])),
  /** Of older patterns: each place in use with its seq. */
  folded: v.nullable(
    v.object({
      places: v.pipe(v.number(), v.check(isPlaceCount)),
      seqs: v.array(v.tuple([v.pipe(v.number(), v.integer(), v.minValue(0)), v.number()])),
    }),
  ),
})

/** A fence's start: the state of the log at one moment, as an index. */
export type Snapshot = v.InferOutput<typeof SnapshotSchema>

/** The newest row that is left out: what came before it, the snapshot's fence does not know. */
const CUT = `coalesce((SELECT seq FROM invalidation_log ORDER BY seq DESC LIMIT 1 OFFSET ${MAX_SNAPSHOT_ROWS}), 0)`
const SNAPSHOT_SQL = `SELECT value AS pattern, max(seq) AS seq FROM invalidation_log, json_each(patterns)
WHERE seq > ${CUT} GROUP BY value ORDER BY 2 DESC LIMIT ${MAX_SNAPSHOT_SOURCES + 1}`
const STATE_SQL = `SELECT s.epoch, max(s.pruned_to, ${CUT}) AS floor, l.seq, l.event_id FROM invalidation_state s
JOIN (SELECT seq, ${ROW_ID} AS event_id FROM invalidation_log ORDER BY seq DESC LIMIT 1) l ON 1 WHERE s.id = 1`

const PatternRow = v.object({ pattern: v.fallback(v.string(), '*'), seq: v.number() })
const StateRow = v.object({ epoch: v.string(), floor: v.number(), seq: v.number(), event_id: v.string() })

/**
 * Builds the snapshot in one transaction: rows, head, prune mark and epoch belong together.
 * @returns null for an empty log, which needs none
 */
export async function buildSnapshot(db: Database): Promise<Snapshot | null> {
  const [patternRows, stateRows] = await db.batch([db.prepare(SNAPSHOT_SQL), db.prepare(STATE_SQL)])
  const state = v.parse(v.array(StateRow), stateRows?.results)[0]
  if (state === undefined) return null
  const newest = v.parse(v.array(PatternRow), patternRows?.results)
  const leftOut = newest[MAX_SNAPSHOT_SOURCES]?.seq ?? 0
  let floor = Math.max(state.floor, leftOut)
  const index = new PatternIndex()
  for (const { pattern, seq } of newest) index.add(pattern, seq)
  while (index.size > MAX_SNAPSHOT_PATTERNS) floor = Math.max(floor, index.fold(MAX_SNAPSHOT_PATTERNS))
  return {
    schema: 1,
    epoch: state.epoch,
    head: state.seq,
    headEventId: state.event_id,
    floor,
    patterns: [...index.entries()],
    folded: index.hasFolded ? { places: index.folded.places, seqs: [...index.folded.entries()] } : null,
  }
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
