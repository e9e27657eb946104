import type { CacheEntry } from '../entry.ts'
import type { Isolate, RequestIo } from '../isolate.ts'
import type { CacheKey } from '../keys/key.ts'
import type { CacheConfig } from '../policy.ts'
import type { KeyValueStore } from '../ports.ts'

interface Wanted {
  key: CacheKey
  generation: number
  resolve: (entry: Promise<CacheEntry | null>) => void
}

interface Batch {
  kv: KeyValueStore
  policy: CacheConfig
  wanted: Wanted[]
}

/**
 * The reads of KV of one request: what is asked for in the same tick is one operation and one connection, of the six that the
 * request has. Never of two requests: one that is cancelled would leave the other without its answer.
 */
export class KvReads {
  readonly #isolate: Isolate
  readonly #io: RequestIo
  readonly #open = new Map<string, Batch>()

  constructor(isolate: Isolate, io: RequestIo) {
    this.#isolate = isolate
    this.#io = io
  }

  /** As `KvTier.get`. */
  get(kv: KeyValueStore, key: CacheKey, generation: number, policy: CacheConfig): Promise<CacheEntry | null> {
    return new Promise((resolve) => {
      const batch = this.#open.get(policy.namespace)
      if (batch !== undefined) {
        batch.wanted.push({ key, generation, resolve })
        return
      }
      this.#open.set(policy.namespace, { kv, policy, wanted: [{ key, generation, resolve }] })
      // Reads that began together get here in the same tick: after all of them, and before anything else.
      queueMicrotask(() => this.#send(policy.namespace))
    })
  }

  #send(namespace: string): void {
    const batch = this.#open.get(namespace)
    this.#open.delete(namespace)
    if (batch === undefined) return
    const { kv, policy, wanted } = batch
    const { kvTier } = this.#isolate
    // What the location shares is looked up one by one, and mostly there.
    if (wanted.length === 1 || kvTier.looksNearFirst(policy)) {
      for (const { key, generation, resolve } of wanted)
        resolve(kvTier.get(kv, key, generation, policy, this.#io.waitUntil))
      return
    }
    const found = kvTier.getMany(kv, wanted, policy)
    for (const { key, resolve } of wanted) {
      resolve(
        found.then((entries) => {
          const entry = entries.get(key.text)
          return entry?.canonical === key.canonical ? entry : null
        }),
      )
    }
  }
}
