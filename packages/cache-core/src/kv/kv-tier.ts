import { Breaker } from '../breaker.ts'
import { withDeadline } from '../deadline.ts'
import { type CacheEntry, keepUntil } from '../entry.ts'
import { type CacheKey, kvName } from '../keys/key.ts'
import type { CacheConfig } from '../policy.ts'
import type { KeyValueStore, Runtime } from '../ports.ts'
import { count } from '../statistics/histogram.ts'
import type { Stats } from '../stats.ts'
import { decodeEntry, encodeEntry } from './envelope.ts'

/** A slower answer than this is worth less than asking D1: to a reader who waits, and to a warmer who reads a hundred at once. */
export const READ_DEADLINE_MS = { reader: 500, warmer: 5_000 } as const
/** A put has no reader waiting, only the 30 s of `waitUntil`. */
const WRITE_DEADLINE_MS = 10_000
/** KV's lower bounds. */
const MIN_EXPIRATION_SECONDS = 60
const DEFAULT_CACHE_TTL_SECONDS = 30
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

/** Workers KV as a tier: every trouble with it is a miss or a dropped write, counted, and never the reader's problem. */
export class KvTier {
  readonly breaker = new Breaker()
  readonly #runtime: Runtime
  readonly #stats: Stats
  readonly #readDeadlineMs: number

  /** @param readDeadlineMs how long anybody waits for a read */
  constructor(runtime: Runtime, stats: Stats, readDeadlineMs: number = READ_DEADLINE_MS.reader) {
    this.#runtime = runtime
    this.#stats = stats
    this.#readDeadlineMs = readDeadlineMs
  }

  /** @param generation see `kvName`. @returns null for a miss of any kind; validity is the caller's to judge */
  async get(
    kv: KeyValueStore,
    key: CacheKey,
    generation: number,
    policy: CacheConfig,
  ): Promise<CacheEntry | null> {
    const options = { type: 'text', cacheTtl: policy.kvCacheTtlSeconds ?? DEFAULT_CACHE_TTL_SECONDS } as const
    const record = await this.#read(key.namespace, () => kv.getWithMetadata(kvName(key, generation), options))
    return record === null ? null : this.#decode(key, record)
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
    const { value, metadata } = encodeEntry(entry)
    const seconds = Math.ceil((keepUntil(entry, policy) - now) / 1000)
    const options = { expirationTtl: Math.max(MIN_EXPIRATION_SECONDS, seconds), metadata }
    this.#stats.kv.writes++
    this.#stats.of(key.namespace).kvWrites++
    try {
      const put = kv.put(kvName(key, generation), value, options)
      await withDeadline(this.#runtime, put, WRITE_DEADLINE_MS, 'a KV write')
      return 'written'
    } catch (error) {
      this.#failed(error)
      this.#stats.kv.dropped++
      return isRace(error) ? 'raced' : 'dropped'
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
