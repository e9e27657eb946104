import { Breaker } from '../breaker.ts'
import { withDeadline } from '../deadline.ts'
import { type CacheEntry, keepUntil } from '../entry.ts'
import { type CacheKey, kvName } from '../keys/key.ts'
import type { CacheConfig } from '../policy.ts'
import type { KeyValueStore, LocationCache, Runtime, WaitUntil } from '../ports.ts'
import { count } from '../statistics/histogram.ts'
import type { Stats } from '../stats.ts'
import { decodeEntry, encodeEntry } from './envelope.ts'
import { fromText, toText } from './location.ts'

/** A slower answer than this is worth less than asking D1: to a reader who waits, and to a warmer who reads a hundred at once. */
export const READ_DEADLINE_MS = { reader: 500, warmer: 5_000 } as const
/** A put has no reader waiting, only the 30 s of `waitUntil`. */
const WRITE_DEADLINE_MS = 10_000
/** KV's lower bounds. */
const MIN_EXPIRATION_SECONDS = 60
const DEFAULT_CACHE_TTL_SECONDS = 30
/** A copy next door is worth this wait; KV takes little longer. */
const LOCATION_DEADLINE_MS = 100
/** Copies live no longer than this, so that a location comes to see what was stored under the same name since. */
const LOCATION_SECONDS = 300
/** Names in one bulk read. */
const MAX_BULK = 100
/** Below KV's 25 MiB, in UTF-16 units times three bytes at most. */
const MAX_TEXT_LENGTH = 8_000_000

/** What became of a write: `raced` when somebody else had just written the key, `refused` for what KV would never take. */
export type PutOutcome = 'written' | 'raced' | 'dropped' | 'refused'

/** Too many writes of one key: somebody else has just written it, and KV itself is well. */
function isRace(error: unknown): boolean {
  return String(error).includes('429')
}

/**
 * Workers KV as a tier: every trouble with it is a miss or a dropped write, counted, and never the reader's problem. Where isolates of
 * one location share entries, those come first: they have the names that KV has them under, and are judged like KV's own.
 */
export class KvTier {
  readonly breaker = new Breaker()
  readonly #locationBreaker = new Breaker()
  readonly #location: LocationCache | null
  readonly #runtime: Runtime
  readonly #stats: Stats
  readonly #readDeadlineMs: number

  /**
   * @param readDeadlineMs how long anybody waits for a read
   * @param location null: every read is KV's
   */
  constructor(
    runtime: Runtime,
    stats: Stats,
    readDeadlineMs: number = READ_DEADLINE_MS.reader,
    location: LocationCache | null = null,
  ) {
    this.#location = location
    this.#runtime = runtime
    this.#stats = stats
    this.#readDeadlineMs = readDeadlineMs
  }

  /**
   * @param generation see `kvName`
   * @param waitUntil for what is done behind the answer
   * @returns null for a miss of any kind; validity is the caller's to judge
   */
  async get(
    kv: KeyValueStore,
    key: CacheKey,
    generation: number,
    policy: CacheConfig,
    waitUntil: WaitUntil,
  ): Promise<CacheEntry | null> {
    const name = kvName(key, generation)
    const location = this.#locationFor(policy)
    const near = location === null ? null : await this.#near(location, key, name)
    if (near !== null) return near
    const options = { type: 'text', cacheTtl: policy.kvCacheTtlSeconds ?? DEFAULT_CACHE_TTL_SECONDS } as const
    const record = await this.#read(key.namespace, () => kv.getWithMetadata(name, options))
    const entry = record === null ? null : this.#decode(key, record)
    if (entry !== null && location !== null) waitUntil(this.#share(location, name, entry))
    return entry
  }

  /** Bulk form of `get`, 100 names an operation, all for one namespace. @returns entries by key text, misses left out */
  async getMany(
    kv: KeyValueStore,
    keys: readonly { key: CacheKey; generation: number }[],
    policy: CacheConfig,
  ): Promise<Map<string, CacheEntry>> {
    const options = { type: 'text', cacheTtl: policy.kvCacheTtlSeconds ?? DEFAULT_CACHE_TTL_SECONDS } as const
    const found = new Map<string, CacheEntry>()
    for (let from = 0; from < keys.length; from += MAX_BULK) {
      const byName = new Map(
        keys.slice(from, from + MAX_BULK).map(({ key, generation }) => [kvName(key, generation), key]),
      )
      const records = await this.#read(policy.namespace, () =>
        kv.getWithMetadata([...byName.keys()], options),
      )
      for (const [name, key] of byName) {
        // A name that is not there has null in place of its record.
        const record = records?.get(name) ?? null
        const entry = record === null ? null : this.#decode(key, record)
        if (entry !== null) found.set(key.text, entry)
      }
    }
    return found
  }

  /** Stores an entry for the rest of its use. Never throws; a write that did not come about is counted. */
  async put(
    kv: KeyValueStore,
    key: CacheKey,
    generation: number,
    entry: CacheEntry,
    policy: CacheConfig,
  ): Promise<PutOutcome> {
    const now = this.#runtime.now()
    // A write is no probe: one that succeeds says nothing about reads, and they would wait another pause.
    if (!entry.found || entry.text.length > MAX_TEXT_LENGTH || this.breaker.isOpen) {
      this.#stats.kv.dropped++
      return this.breaker.isOpen ? 'dropped' : 'refused'
    }
    const name = kvName(key, generation)
    const location = this.#locationFor(policy)
    const sharing = location === null ? null : this.#share(location, name, entry)
    const { value, metadata } = encodeEntry(entry)
    const seconds = Math.ceil((keepUntil(entry, policy) - now) / 1000)
    const options = { expirationTtl: Math.max(MIN_EXPIRATION_SECONDS, seconds), metadata }
    this.#stats.kv.writes++
    this.#stats.of(key.namespace).kvWrites++
    try {
      const put = kv.put(name, value, options)
      await withDeadline(this.#runtime, put, WRITE_DEADLINE_MS, 'a KV write')
      return 'written'
    } catch (error) {
      this.#failed(error)
      this.#stats.kv.dropped++
      return isRace(error) ? 'raced' : 'dropped'
    } finally {
      await sharing
    }
  }

  /** Whether reads of these values ask the location before KV. */
  looksNearFirst(policy: CacheConfig): boolean {
    return this.#locationFor(policy) !== null
  }

  /** Nothing private: who is who is checked on KV's values alone. */
  #locationFor(policy: CacheConfig): LocationCache | null {
    return policy.visibility === 'public' ? this.#location : null
  }

  async #near(location: LocationCache, key: CacheKey, name: string): Promise<CacheEntry | null> {
    const breaker = this.#locationBreaker
    const asked = this.#runtime.now()
    if (breaker.isOpen && !breaker.claimProbe(asked)) return null
    try {
      const found = await withDeadline(
        this.#runtime,
        location.match(name),
        LOCATION_DEADLINE_MS,
        'a look into the location',
      )
      breaker.succeeded()
      const entry = found === null ? null : this.#decode(key, fromText(found))
      if (entry !== null) this.#stats.kv.shared++
      return entry
    } catch {
      this.#stats.kv.errors++
      breaker.failed(this.#runtime.now())
      return null
    }
  }

  /** Never throws: a copy that is missing costs a read of KV. */
  async #share(location: LocationCache, name: string, entry: CacheEntry): Promise<void> {
    const seconds = Math.min(LOCATION_SECONDS, Math.floor((entry.expiresAt - this.#runtime.now()) / 1000))
    if (seconds < 1 || this.#locationBreaker.isOpen) return
    try {
      const put = location.put(name, toText(encodeEntry(entry)), seconds)
      await withDeadline(this.#runtime, put, WRITE_DEADLINE_MS, 'a copy for the location')
    } catch {
      this.#stats.kv.errors++
    }
  }

  async #read<R>(namespace: string, read: () => Promise<R>): Promise<R | null> {
    const asked = this.#runtime.now()
    // While the breaker is open only its probe goes through, and that one waits no longer than any other read.
    if (this.breaker.isOpen && !this.breaker.claimProbe(asked)) return null
    this.#stats.kv.reads++
    const counts = this.#stats.of(namespace)
    counts.kvReads++
    try {
      const answer = await withDeadline(this.#runtime, read(), this.#readDeadlineMs, 'a KV read')
      this.breaker.succeeded()
      return answer
    } catch (error) {
      this.#failed(error)
      return null
    } finally {
      // What was given up has taken its time as well.
      count(counts.kvReadTimes, this.#runtime.now() - asked)
    }
  }

  #failed(error: unknown): void {
    this.#stats.kv.errors++
    if (!isRace(error)) this.breaker.failed(this.#runtime.now())
  }

  #decode(key: CacheKey, record: { value: string | null; metadata: unknown }): CacheEntry | null {
    const entry = decodeEntry(key, record)
    if (entry === 'garbage') this.#stats.kv.garbage++
    return typeof entry === 'string' ? null : entry
  }
}
