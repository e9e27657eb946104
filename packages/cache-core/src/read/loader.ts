import type { Loaded } from '../entry.ts'
import type { Isolate, RequestIo } from '../isolate.ts'
import { decodeTail, tailStatement } from '../log/tail.ts'
import type { Source } from '../source.ts'
import { DatabaseUnavailableError, isStatementError, rowsReadBy } from '../sql.ts'

/** What a load brought, and whether the fence can vouch for it: if not, it is answered but not kept. */
interface LoaderResult {
  loaded: Loaded
  isUsable: boolean
  /** Rows that D1 says it read for it; 0 where nobody can tell. */
  rowsRead: number
}

/** A value that is answered past the cache. */
export type Direct = Pick<Loaded, 'text' | 'found' | 'label'> & { bookmark: string | null }

/** Gets a value from D1. */
export interface Loader {
  /** What can be loaded again by itself, to see whether what was served is right; null for a caller's own function. */
  source: Source<unknown> | null
  /** With a stamp that is not too high. */
  load(isolate: Isolate, io: RequestIo): Promise<LoaderResult>
  /** For a caller that keeps nothing: just the value. */
  loadDirect(isolate: Isolate, io: RequestIo): Promise<Direct>
}

/**
 * Loads a source. The tail of the log comes with it, in the same transaction: its head is the stamp, neither too high nor
 * too low, and the fence is refreshed for nothing.
 */
export function sourceLoader<T>(source: Source<T>): Loader {
  return {
    source,
    async load(isolate, io) {
      const asked = isolate.refresher.ask()
      const { statements, decode } = source.load(io.db)
      const results = await isolate.sql.read(io.db, [...statements, tailStatement(io.db, asked.head)])
      const tail = decodeTail(results.at(-1))
      const applied = isolate.refresher.apply(tail, asked, io)
      const value = decode(results.slice(0, -1))
      const at = { epoch: tail.epoch, stamp: tail.maxSeq, upTo: tail.maxSeq, loadedAt: asked.sentAt }
      const isUsable = applied !== 'restored' && isolate.fence.epoch === tail.epoch
      return { loaded: describe(source, value, at), isUsable, rowsRead: rowsReadBy(results.slice(0, -1)) }
    },
    async loadDirect(isolate, io) {
      const { statements, decode } = source.load(io.db)
      const value = decode(await isolate.sql.read(io.db, statements))
      return { text: textOf(value), found: value !== null, label: labelOf(source, value), bookmark: null }
    },
  }
}

/**
 * A head that the fence knew so lately is as good as the newest, ms: it only has to be low, and seldom is much logged since.
 * Not where a write has marked what the fence has not heard of, which would not be kept; nor while D1 fails, since a caller's
 * load knows of no breaker.
 */
const LATELY_MS = 5_000

/**
 * Loads by a function that may ask anything, in any number of queries: so the stamp is the head before the first, and upTo
 * the head after the last. Where what was logged since the fence was refreshed touches the key, the value is answered but not
 * kept; the next load starts from the fence that this one has refreshed.
 */
export function functionLoader<T>(load: () => Promise<T | null>, tags: readonly string[]): Loader {
  return {
    source: null,
    async load(isolate, io) {
      const { fence, refresher, runtime, sql } = isolate
      const isKnown = fence.isRecent(runtime.now(), LATELY_MS) && fence.marks === 0
      if (sql.breaker.isOpen || !isKnown) await refresher.run(io)
      const { epoch, head: stamp } = fence
      const loadedAt = runtime.now()
      const value = await fromDatabase(load)
      if (epoch === null) throw new Error('a refreshed fence has an epoch')
      // Without it there is no honest bookmark for the answer, and a client would be shown an older value next.
      await refresher.run(io)
      const content = { text: textOf(value), found: value !== null, label: '', tags }
      return {
        loaded: { ...content, epoch, stamp, upTo: fence.head, loadedAt },
        isUsable: fence.epoch === epoch,
        rowsRead: 0,
      }
    },
    async loadDirect() {
      const value = await fromDatabase(load)
      return { text: textOf(value), found: value !== null, label: '', bookmark: null }
    },
  }
}

/** Runs a caller's own load. What D1 throws in it, with the mark that all its errors carry, is an outage here as well. */
async function fromDatabase<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (!String(error).includes('D1_ERROR') || isStatementError(error)) throw error
    throw new DatabaseUnavailableError(`D1 failed: ${String(error)}`, { cause: error })
  }
}

/** The entry's content for a value of a source. */
export function describe<T>(
  source: Source<T>,
  value: T | null,
  at: { epoch: string; stamp: number; upTo: number; loadedAt: number },
): Loaded {
  const label = labelOf(source, value)
  return { text: textOf(value), found: value !== null, label, tags: source.tags(value), ...at }
}

function labelOf<T>(source: Source<T>, value: T | null): string {
  return value !== null && source.label ? source.label(value) : ''
}

/**
 * @throws TypeError for what JSON cannot say
 */
export function textOf(value: unknown): string {
  const text = JSON.stringify(value)
  if (text === undefined) throw new TypeError('a cached value must be JSON: undefined and functions are not')
  return text
}

/** The values of `getOrSet` and `set` come back as the JSON that they were stored as: their type is the caller's word. */
export function plain<T>(json: unknown): T {
  return json as T
}
