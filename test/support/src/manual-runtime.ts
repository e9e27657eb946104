interface Timer {
  at: number
  order: number
  callback: () => void
}

/** A clock that moves only when told to, with its timers and a seeded generator. Fits `Runtime` of cache-core. */
export class ManualRuntime {
  time: number
  #order = 0
  #uuids = 0
  #state: number
  readonly #timers = new Map<number, Timer>()

  constructor(time = 1_700_000_000_000, seed = 1) {
    this.time = time
    this.#state = seed >>> 0
  }

  now = (): number => this.time

  /** mulberry32: 32 bits of state are plenty for jitter in a test. */
  random = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  uuid = (): string => `00000000-0000-4000-8000-${String(++this.#uuids).padStart(12, '0')}`

  setTimeout = (callback: () => void, ms: number): number => {
    const order = ++this.#order
    this.#timers.set(order, { at: this.time + Math.max(0, ms), order, callback })
    return order
  }

  clearTimeout = (handle: unknown): void => {
    if (typeof handle === 'number') this.#timers.delete(handle)
  }

  /** When the next timer is due, ms; infinite without one. */
  nextDue(): number {
    return this.#due(Number.POSITIVE_INFINITY)?.at ?? Number.POSITIVE_INFINITY
  }

  /** Moves the clock, running due timers in order, and lets promises settle before, between and after. */
  async advance(ms: number): Promise<void> {
    const until = this.time + ms
    await settle()
    for (let next = this.#due(until); next !== undefined; next = this.#due(until)) {
      this.#timers.delete(next.order)
      this.time = Math.max(this.time, next.at)
      next.callback()
      await settle()
    }
    this.time = until
    await settle()
  }

  #due(until: number): Timer | undefined {
    let best: Timer | undefined
    for (const timer of this.#timers.values()) {
      if (timer.at <= until && (best === undefined || timer.at < best.at)) best = timer
    }
    return best
  }
}

/** Lets every promise that can settle without a timer do so. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
}
