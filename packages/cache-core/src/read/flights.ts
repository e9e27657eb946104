import type { CacheEntry } from '../entry.ts'
import type { CacheKey } from '../keys/key.ts'
import type { Runtime } from '../ports.ts'

/** A load under way. */
export interface Flight {
  /** Its place in the isolate's order: a load begun after a reader needs no proof for it. */
  ordinal: number
  /** Clock at its start, ms. */
  startedAt: number
  entry: Promise<CacheEntry>
}

/** A load that nobody has heard of for this long died with its request; whoever waits for it takes over. */
const TAKEOVER_MS = 2_000
/** Longer than any load of a request that is alive: one that died, and that nobody came to wait for, is forgotten. */
const FORGET_MS = 60_000

/** Single flight: one load a key and isolate. A flight may die with the request that leads it, so followers keep time. */
export class Flights {
  readonly #byKey = new Map<string, Flight>()

  get size(): number {
    return this.#byKey.size
  }

  /** The load under way for a key. */
  current(keyText: string): Flight | undefined {
    return this.#byKey.get(keyText)
  }

  /** Starts a load, in the place of one that is taken over, if any. It leaves when it settles. */
  lead(keyText: string, ordinal: number, startedAt: number, load: () => Promise<CacheEntry>): Flight {
    const flight: Flight = { ordinal, startedAt, entry: load() }
    this.#forget(startedAt)
    // At the end, also in the place of another: the oldest come first.
    this.#byKey.delete(keyText)
    this.#byKey.set(keyText, flight)
    const leave = () => {
      if (this.#byKey.get(keyText) === flight) this.#byKey.delete(keyText)
    }
    flight.entry.then(leave, leave)
    return flight
  }

  #forget(now: number): void {
    for (const [keyText, { startedAt }] of this.#byKey) {
      if (startedAt > now - FORGET_MS) break
      this.#byKey.delete(keyText)
    }
  }

  /**
   * Waits for a load that another request leads.
   * @returns its entry, or null when it is overdue: then the first waiter that finds it still in place leads anew
   * @throws what the load throws: one failure for all who waited for it
   */
  async join(keyText: string, flight: Flight, runtime: Runtime): Promise<CacheEntry | null> {
    const overdue = Symbol('overdue')
    const timer = new Promise<typeof overdue>((resolve) => {
      const left = flight.startedAt + TAKEOVER_MS - runtime.now()
      const handle = runtime.setTimeout(() => resolve(overdue), Math.max(0, left))
      const clear = () => runtime.clearTimeout(handle)
      flight.entry.then(clear, clear)
    })
    const first = await Promise.race([flight.entry, timer])
    if (first !== overdue) return first
    if (this.#byKey.get(keyText) === flight) this.#byKey.delete(keyText)
    return null
  }
}

/** What a load is known by: keys whose parameters are hashed may share a text. */
export function nameOf(key: CacheKey): string {
  return key.canonical === null ? key.text : `${key.text}?${key.canonical}`
}
