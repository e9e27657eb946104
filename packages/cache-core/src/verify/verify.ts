import { sleep } from '../deadline.ts'
import { type CacheEntry, etagOf } from '../entry.ts'
import type { Isolate, RequestIo } from '../isolate.ts'
import { sourceLoader } from '../read/loader.ts'
import type { Source } from '../source.ts'
import { judge } from './judge.ts'
import { newestRow } from './newest-row.ts'
import { EXCERPT, type Violation, wordsFor } from './violation.ts'

/** A hit, with what the fence was when it called the entry valid. */
export interface Served {
  entry: CacheEntry
  source: 'memory' | 'kv'
  /** The fence's head and the clock that it was current at. */
  head: number
  asOf: number
  /** When the read began, and its Δ, ms. */
  startedAt: number
  maxStalenessMs: number
}

/** An outside producer's event has this long to get into the log after its change: until then nothing is promised of it. */
const LATE_MS = 10_000

/** `unknown`: the log was restored meanwhile, or is too long to tell. */
export type Verdict = 'same' | 'younger' | 'unknown' | Violation

/**
 * Compares what was served with what D1 has: the value and the log's head in one transaction. If they differ, the log has to
 * have a row that says so, and that the reader could not know of.
 * @throws DatabaseUnavailableError
 */
export async function verify(
  isolate: Isolate,
  io: RequestIo,
  source: Source<unknown>,
  served: Served,
  kind: Violation['kind'],
): Promise<Verdict> {
  const { entry, head, startedAt, maxStalenessMs } = served
  const { loaded, isUsable } = await sourceLoader(source).load(isolate, io)
  // Between a restore and the move of its epoch nothing is promised: the log is shorter than what was served.
  if (!isUsable || loaded.epoch !== entry.epoch) return 'unknown'
  if (etagOf(loaded.text) === entry.etag && loaded.found === entry.found) return 'same'
  const names = [entry.path, ...entry.tags]
  const row = await newestRow(isolate, io.db, names, { after: entry.stamp, upTo: loaded.upTo, enough: head })
  if (row === undefined) return 'unknown'
  if (row === null) {
    if (await isToldLate(isolate, io, names, loaded.upTo)) return 'younger'
    // A restored log has lost rows, and is found out a little later: until then no row tells of what it took back.
    await isolate.refresher.run(io)
    if (isolate.fence.epoch !== entry.epoch) return 'unknown'
  }
  const cause = judge({ row, head, startedAt, maxStalenessMs })
  if (cause === null) return 'younger'
  const isPrivate = isolate.policy(entry.namespace).visibility === 'private'
  const excerpt = (text: string) => (isPrivate ? null : text.slice(0, EXCERPT))
  const { etag, found, stamp, upTo, loadedAt, epoch } = entry
  return {
    kind,
    key: entry.path,
    namespace: entry.namespace,
    source: served.source,
    requestId: io.requestId ?? null,
    cause,
    says: wordsFor(cause, row),
    maxStalenessMs,
    readAt: startedAt,
    fence: { epoch, head, ageMs: startedAt - served.asOf },
    served: { stamp, upTo, loadedAt, etag, found, text: excerpt(entry.text) },
    current: { seq: loaded.upTo, etag: etagOf(loaded.text), found: loaded.found, text: excerpt(loaded.text) },
    row,
  }
}

/** Whether the change that no row tells of is told of a little later. */
async function isToldLate(
  isolate: Isolate,
  io: RequestIo,
  names: readonly string[],
  after: number,
): Promise<boolean> {
  await sleep(isolate.runtime, LATE_MS)
  const row = await newestRow(isolate, io.db, names, { after, upTo: Number.MAX_SAFE_INTEGER, enough: 0 })
  // Where the log is too long to tell, it may be in there.
  return row !== null
}
