import type { Loaded } from '../entry.ts'
import type { Isolate, RequestIo } from '../isolate.ts'
import { decodeTail, tailStatement } from '../log/tail.ts'
import type { Source } from '../source.ts'

/** What a load brought, and whether the fence can vouch for it: if not, it is answered but not kept. */
export interface LoaderResult {
  loaded: Loaded
  isUsable: boolean
}

/** Gets a value from D1 with a stamp that is not too high. */
export type Loader = (isolate: Isolate, io: RequestIo) => Promise<LoaderResult>

/**
 * Loads a source. The tail of the log comes with it, in the same transaction: its head is the stamp, neither too high nor
 * too low, and the fence is refreshed for nothing.
 */
export function sourceLoader<T>(source: Source<T>): Loader {
  return async (isolate, io) => {
    const asked = isolate.refresher.ask()
    const { statements, decode } = source.load(io.db)
    const results = await isolate.sql.read(io.db, [...statements, tailStatement(io.db, asked.head)])
    const tail = decodeTail(results.at(-1))
    const applied = isolate.refresher.apply(tail, asked, io)
    const value = decode(results.slice(0, -1))
    const loaded = describe(source, value, {
      epoch: tail.epoch,
      stamp: tail.maxSeq,
      upTo: tail.maxSeq,
      loadedAt: asked.sentAt,
    })
    return { loaded, isUsable: applied !== 'restored' && isolate.fence.epoch === tail.epoch }
  }
}

/**
 * Loads by a function that may ask anything, in any number of queries: so the stamp is the head before the first, and upTo
 * the head after the last.
 */
export function functionLoader<T>(load: () => Promise<T | null>, tags: readonly string[]): Loader {
  return async (isolate, io) => {
    const { fence, refresher, runtime } = isolate
    await refresher.run(io)
    const { epoch, head: stamp } = fence
    const loadedAt = runtime.now()
    const value = await load()
    await refresher.run(io)
    if (epoch === null) throw new Error('a refreshed fence has an epoch')
    const text = textOf(value)
    const loaded = { text, found: value !== null, label: '', tags, epoch, stamp, upTo: fence.head, loadedAt }
    return { loaded, isUsable: fence.epoch === epoch }
  }
}

/** The entry's content for a value of a source. */
export function describe<T>(
  source: Source<T>,
  value: T | null,
  at: { epoch: string; stamp: number; upTo: number; loadedAt: number },
): Loaded {
  const label = value !== null && source.label ? source.label(value) : ''
  return { text: textOf(value), found: value !== null, label, tags: source.tags(value), ...at }
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
