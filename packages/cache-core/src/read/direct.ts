import { type CacheEntry, makeEntry } from '../entry.ts'
import type { Isolate, RequestIo } from '../isolate.ts'
import type { CacheKey } from '../keys/key.ts'
import { textOf } from './loader.ts'

/** A value that its caller read by itself: the log's head before that, and what else the value depends on. */
export interface Stamped {
  /** The log's head before the value was read: never a later one, or the value may outlive its invalidation. */
  stamp: number
  /** Names that the value depends on besides its key. */
  tags?: readonly string[]
}

/**
 * One tier at a time, past the read path: for tools and tests. What comes out is alive and valid by the fence at hand,
 * which nobody has refreshed, so no staleness bound holds for it.
 */
export class DirectTiers {
  protected readonly isolate: Isolate
  protected readonly io: RequestIo

  constructor(isolate: Isolate, io: RequestIo) {
    this.isolate = isolate
    this.io = io
  }

  /** The value that this isolate's memory holds, or null. */
  getFromMemory<T>(key: string): T | null {
    return this.#value(this.isolate.memory.get(this.isolate.keyAt(key).path)?.entry)
  }

  /** Keeps a value in this isolate's memory. */
  setInMemory(key: string, value: unknown, stamped: Stamped): void {
    const built = this.isolate.keyAt(key)
    const entry = this.#entry(built, value, stamped)
    if (entry !== null) this.isolate.remember(built, entry)
  }

  /** The value that KV holds, or null. */
  async getFromKV<T>(key: string): Promise<T | null> {
    const { built, policy, kv, generation } = this.#kvPlace(key)
    if (kv === null) return null
    return this.#value(await this.isolate.kvTier.get(kv, built, generation, policy, this.io.waitUntil))
  }

  /** Keeps a value in KV. */
  async setInKV(key: string, value: unknown, stamped: Stamped): Promise<void> {
    const { built, policy, kv, generation } = this.#kvPlace(key)
    const entry = this.#entry(built, value, stamped)
    if (kv !== null && entry !== null) await this.isolate.kvTier.put(kv, built, generation, entry, policy)
  }

  /** Keeps a value in both tiers, in KV behind the answer. */
  protected keep(key: string, value: unknown, stamped: Stamped): void {
    if (!this.isolate.serves(this.isolate.keyAt(key))) return
    this.setInMemory(key, value, stamped)
    this.io.waitUntil(this.setInKV(key, value, stamped))
  }

  #kvPlace(key: string) {
    const built = this.isolate.keyAt(key)
    const policy = this.isolate.policy(built.namespace)
    const generation = this.isolate.fence.generation(built.path)
    return { built, policy, generation, kv: this.isolate.kvFor(policy, this.io) }
  }

  #value<T>(entry: CacheEntry | null | undefined): T | null {
    const { fence, runtime } = this.isolate
    if (!entry?.found || runtime.now() >= entry.expiresAt || !fence.isValid(entry)) return null
    return JSON.parse(entry.text)
  }

  /** @returns null without a fence: nobody could ever tell whether the entry is valid */
  #entry(key: CacheKey, value: unknown, { stamp, tags = [] }: Stamped): CacheEntry | null {
    const { fence, runtime } = this.isolate
    if (fence.epoch === null) return null
    const loadedAt = runtime.now()
    const loaded = {
      text: textOf(value),
      found: value !== null,
      label: '',
      tags,
      epoch: fence.epoch,
      stamp,
      // An own write may stand above the head, where the tail has not reached it yet.
      upTo: Math.max(stamp, fence.head),
      loadedAt,
    }
    return makeEntry(key, this.isolate.policy(key.namespace), loaded, runtime.random())
  }
}
