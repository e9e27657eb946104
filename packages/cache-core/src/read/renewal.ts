import { type CacheEntry, renewAt } from '../entry.ts'
import type { Isolate, RequestIo } from '../isolate.ts'
import type { CacheKey } from '../keys/key.ts'
import { nameOf } from './flights.ts'

/** Reads of an entry from which on it is worth loading before anybody asks for it again. */
const HOT_HITS = 3

type Load = () => Promise<CacheEntry>

/** Stale-while-revalidate and refresh-ahead: loads behind answers, once for all who read a key in this isolate. */
export class Renewals {
  readonly #isolate: Isolate
  readonly #io: RequestIo

  constructor(isolate: Isolate, io: RequestIo) {
    this.#isolate = isolate
    this.#io = io
  }

  /** To be called when an entry has been served: has it loaded anew where it is past its life, or near its end and read much. */
  after(entry: CacheEntry, key: CacheKey, load: Load): void {
    const { renewals, runtime } = this.#isolate
    const name = nameOf(key)
    if (!this.#isDue(entry, key) || renewals.current(name) !== undefined) return
    const { entry: renewed } = renewals.lead(name, 0, runtime.now(), () => this.#renew(entry, key, load))
    this.#io.waitUntil(renewed.catch(() => {}))
  }

  #isDue(entry: CacheEntry, key: CacheKey): boolean {
    const { memory, runtime, sql } = this.#isolate
    const now = runtime.now()
    if (now < renewAt(entry, this.#isolate.draw()) || sql.breaker.isOpen) return false
    return now >= entry.expiresAt || (memory.find(key.path)?.hits ?? 0) >= HOT_HITS
  }

  async #renew(entry: CacheEntry, key: CacheKey, load: Load): Promise<CacheEntry> {
    const { fence, flights, kvTier, runtime } = this.#isolate
    const policy = this.#isolate.policy(key.namespace)
    const kv = this.#isolate.kvFor(policy, this.#io)
    if (kv !== null) {
      // Another isolate may have done it already.
      const other = await kvTier.get(kv, key, fence.generation(key.path), policy, this.#io.waitUntil)
      if (other !== null && other.expiresAt > entry.expiresAt && fence.isValid(other)) {
        this.#isolate.remember(key, other)
        return other
      }
    }
    const name = nameOf(key)
    const flight = flights.current(name)
    if (flight !== undefined) return (await flights.join(name, flight, runtime)) ?? entry
    return flights.lead(name, this.#isolate.nextOrdinal(), runtime.now(), load).entry
  }
}
