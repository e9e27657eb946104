import type { Isolate, RequestIo } from './isolate.ts'
import { escapeSegment } from './keys/escape.ts'
import type { CacheKey } from './keys/key.ts'
import { parsePattern } from './keys/pattern.ts'
import type { HeldEntry } from './memory/slot.ts'
import type { Database, Statement } from './ports.ts'
import { answer } from './read/answer.ts'
import type { NoteDecision } from './read/decision.ts'
import { DirectTiers, type Stamped } from './read/direct.ts'
import { Hits } from './read/hits.ts'
import { describe, functionLoader, plain, sourceLoader } from './read/loader.ts'
import { Reader } from './read/reader.ts'
import type { CacheResult, ReadOptions } from './read/types.ts'
import type { Query, Source } from './source.ts'
import { countedDatabase } from './sql.ts'
import type { CacheStats } from './stats.ts'
import type { Change, ChangeResult, LogEvent, WriteResult } from './write/types.ts'
import { Writer } from './write/writer.ts'

/** Most values depend on their key alone. */
const NO_TAGS: { tags?: readonly string[] } = {}

/**
 * The cache, as one request sees it. Keys are written without their version, `content:item:42`; ids that come from outside
 * are escaped with `nameOf`. Methods that need D1 throw `DatabaseUnavailableError` when it fails.
 * @example
 * const waitUntil = (promise) => ctx.waitUntil(promise)
 * const cache = new CacheService(isolate, { db: env.DB, kv: env.CACHE, events: env.EVENTS, waitUntil })
 * const post = (await cache.getOrSet('content:post:1', () => loadPost(1))).value()
 */
export class CacheService extends DirectTiers {
  readonly #hits: Hits
  readonly #reader: Reader
  readonly #writer: Writer

  constructor(isolate: Isolate, io: RequestIo) {
    super(isolate, { ...io, db: countedDatabase(io.db, isolate.stats) })
    this.#hits = new Hits(isolate, this.io)
    this.#reader = new Reader(isolate, this.io)
    this.#writer = new Writer(isolate, this.io)
  }

  /** The database, for whatever goes past the cache: its queries are counted, too. */
  get db(): Database {
    return this.io.db
  }

  /** Reads a source through memory, KV and D1: the way to read whatever a table of resources describes. */
  read<T>(source: Source<T>, options?: ReadOptions): Promise<CacheResult<T>> {
    const key = this.isolate.keyOf(source)
    const hit = this.#hits.hit(key, source.parse, options)
    if (hit !== undefined) return hit.promise()
    return this.#reader.read(key, sourceLoader(source), source.parse, options)
  }

  /**
   * The stored entry of a key, where memory can answer a read of it at once: what `read` would answer without awaiting anything.
   * @param key a built one, or as `getOrSet` takes it: such hits are never verified, since nobody knows how to load them again
   * @param now the clock, ms
   * @returns what memory holds, to be looked at before anything is awaited; undefined where `read` has more to do. Nothing is allocated
   */
  peek(key: CacheKey | string, now: number): HeldEntry | undefined {
    return this.#hits.peek(key, now)
  }

  /** The answer of memory to a read of a source; undefined where `read` has more to do. */
  peekAt<T>(source: Source<T>, options?: ReadOptions): CacheResult<T> | undefined {
    return this.#hits.hit(this.isolate.keyOf(source), source.parse, options)
  }

  /**
   * What memory last held of a source, for a writer whose guard names all that it starts from: it may be out of date. It counts
   * as no read. Null where memory has nothing, what was invalidated or what another version of the code wrote; and while D1 is
   * known to fail, so that the writer's own look finds that out, before anything is written.
   */
  recall<T>(source: Source<T>): T | null {
    const { memory, fence, sql } = this.isolate
    const { path, canonical } = this.isolate.keyOf(source)
    const entry = memory.inspect(path)?.entry
    if (sql.breaker.isOpen || !entry?.found || entry.canonical !== canonical || !fence.isValid(entry))
      return null
    try {
      return source.parse(JSON.parse(entry.text))
    } catch {
      return null
    }
  }

  /** The cached value, or null: for "not found" and for a miss alike; `getWithSource` tells them apart. */
  async get<T>(key: string, options?: ReadOptions): Promise<T | null> {
    return (await this.getWithSource<T>(key, options))?.value() ?? null
  }

  /** The cached value with the tier it came from; null for a miss. */
  getWithSource<T>(key: string, options?: ReadOptions): Promise<CacheResult<T> | null> {
    const hit = this.#hits.hitAt(key, plain<T>, options)
    if (hit !== undefined) return hit.promise()
    return this.#find(key, options)
  }

  // Async, so that what is no key is a rejection as well.
  async #find<T>(key: string, options?: ReadOptions): Promise<CacheResult<T> | null> {
    return this.#reader.find(this.isolate.keyAt(key), plain<T>, options)
  }

  /**
   * The cached value, or what `load` brings; null from `load` is cached as "not found".
   * @param load asks D1 anything, in any number of queries; called once for all who wait for the key
   * @param options `tags` are names that the value depends on besides its key
   */
  getOrSet<T>(
    key: string,
    load: () => Promise<T | null>,
    options: ReadOptions & { tags?: readonly string[] } = NO_TAGS,
  ): Promise<CacheResult<T>> {
    const hit = this.#hits.hitAt(key, plain<T>, options)
    return hit === undefined ? this.#load(key, load, options) : hit.promise()
  }

  async #load<T>(
    key: string,
    load: () => Promise<T | null>,
    options: ReadOptions & { tags?: readonly string[] },
  ): Promise<CacheResult<T>> {
    const loader = functionLoader(load, options.tags ?? [])
    return this.#reader.read(this.isolate.keyAt(key), loader, plain<T>, options)
  }

  /** The cached ones of many keys, by key; one KV operation for 100 of those that memory does not have. */
  async getMany<T>(keys: readonly string[], options?: ReadOptions): Promise<Map<string, T | null>> {
    const built = keys.map((key) => this.isolate.keyAt(key))
    const found = await this.#reader.findMany(built, plain<T>, options)
    return new Map([...found].map(([key, result]) => [key, result.value()]))
  }

  /** Brings what KV holds of these keys into memory, where that takes it. @returns how many of them were found */
  async warmCache(keys: readonly string[]): Promise<number> {
    return (await this.getMany(keys)).size
  }

  /** Stores a value. Without a stamp that is a write: the log notes it, so that no isolate keeps another value. */
  set(key: string, value: unknown, stamped?: Stamped): Promise<void> {
    return this.setMany([[key, value]], stamped)
  }

  /** Stores many values; without a stamp, with one row in the log for all of them. */
  async setMany(entries: readonly (readonly [string, unknown])[], stamped?: Stamped): Promise<void> {
    if (entries.length === 0) return
    const paths = this.#pathsOf(entries.map(([key]) => key))
    // Before anything is logged: what JSON cannot say throws here.
    for (const [key, value] of entries)
      if (JSON.stringify(value) === undefined)
        throw new TypeError(`the value of "${key}" is none that JSON has`)
    const log = () => this.#writer.purge('cache.set', paths)
    const stamp = stamped?.stamp ?? (await log()).changes[0]?.seq ?? 0
    for (const [key, value] of entries) this.keep(key, value, { ...stamped, stamp })
  }

  /** Invalidates one key, in all isolates. */
  delete(key: string): Promise<WriteResult> {
    return this.deleteMany([key])
  }

  /** The same for many, in one row of the log. */
  async deleteMany(keys: readonly string[]): Promise<WriteResult> {
    return this.#writer.purge('cache.delete', this.#pathsOf(keys))
  }

  /**
   * Invalidates what has a key or a tag that the pattern matches: one row in the log, however many entries. Throws PatternError.
   * @param options `hard` has the consumer also take it out of KV, where it would otherwise lie unread until it expires
   */
  async invalidate(pattern: string, { hard = false }: { hard?: boolean } = {}): Promise<WriteResult> {
    return this.#writer.purge('cache.invalidate', [parsePattern(pattern)], hard)
  }

  /** Invalidates a namespace, or everything, and has it taken out of KV. */
  async clear(namespace?: string): Promise<WriteResult> {
    const pattern = namespace === undefined ? '*' : `${escapeSegment(namespace)}:*`
    return this.#writer.purge('cache.clear', [parsePattern(pattern)], true)
  }

  /** Asks D1 past the cache, with its deadline and its breaker: what a guarded write starts from must be the newest. */
  async query<T>({ statements, decode }: Query<T>): Promise<T | null> {
    return decode(await this.isolate.sql.read(this.io.db, statements))
  }

  /** Commits changes with their events: all, or none. */
  async write(changes: readonly Change[]): Promise<WriteResult> {
    return (await this.#writer.write(changes)).write
  }

  /**
   * Logs events of outside producers, in one transaction with `also`; one of an id that is there already changes nothing. The
   * bookmark covers those as well.
   */
  log(
    events: readonly LogEvent[],
    also: Statement[] = [],
  ): Promise<{ changes: ChangeResult[]; bookmark: string }> {
    return this.#writer.log(events, also)
  }

  /** Commits changes and reads a source in the same transaction: its value after the write, kept for the next reader. */
  async writeAndRead<T>(
    changes: readonly Change[],
    source: Source<T>,
  ): Promise<{ write: WriteResult; read: CacheResult<T> }> {
    const { statements, decode } = source.load(this.io.db)
    const { write, read, at } = await this.#writer.write(changes, statements)
    const entry = this.#reader.store(this.isolate.keyOf(source), describe(source, decode(read), at))
    return { write, read: answer(entry, 'MISS', 'database', at.loadedAt, {}).as(source.parse) }
  }

  /** Has what is decided for each further read of this request told to a listener; `explainReads` puts it in words. */
  tellDecisions(note: NoteDecision): void {
    this.io.note = note
  }

  /** What this isolate counted since it started. */
  getStats(): CacheStats {
    return this.isolate.getStats()
  }

  /** Checked before they are logged: what is no key there is a pattern. */
  #pathsOf(keys: readonly string[]): string[] {
    return keys.map((key) => this.isolate.keyAt(key).path)
  }
}
