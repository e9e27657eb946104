import { sleep } from '../deadline.ts'
import type { Isolate, RequestIo } from '../isolate.ts'

/** How long one request keeps the fence fresh: below the 30 s that `waitUntil` gives it after its answer. */
const KEEP_MS = 25_000
/** Age, as a share of Δ, from which a request has the fence refreshed behind its back. Earlier where Δ is short. */
const AHEAD = 0.8
const AHEAD_SHORT = 0.5
const SHORT_MS = 1_000
/** A shorter Δ is not kept: one reader's wish for 2 ms must not have D1 asked a thousand times a second behind its back. */
const LEAST_KEPT_MS = 500
/** A new keeper has this long for its first refresh before it can count as dead. */
const GRACE_MS = 2_000
/** Between two refreshes, whatever comes of them. */
const LEAST_PAUSE_MS = 100

/**
 * Refreshes ahead of need, so that readers do not wait for D1. There is one keeper in an isolate; since the request that
 * lends it its life may be cancelled, one that has let the fence grow older than it may counts as dead.
 */
export class FenceKeeper {
  readonly #isolate: Isolate
  #startedAt = Number.NEGATIVE_INFINITY
  #until = Number.NEGATIVE_INFINITY
  /** Which keeper it is that keeps: an earlier one stops when it sees another number. */
  #turn = 0
  #maxStalenessMs = Number.POSITIVE_INFINITY

  readonly #isOn: boolean

  constructor(isolate: Isolate, isOn = true) {
    this.#isolate = isolate
    this.#isOn = isOn
  }

  /** To be called by each read with its Δ in ms: starts keeping when the fence grows old. */
  notice(maxStalenessMs: number, io: RequestIo): void {
    if (!this.#isOn || maxStalenessMs < LEAST_KEPT_MS) return
    const now = this.#isolate.runtime.now()
    const age = now - this.#isolate.fence.asOf
    if (age >= 0 && age < refreshAge(maxStalenessMs)) return
    const isAlive = (age >= 0 && age <= this.#maxStalenessMs) || now < this.#startedAt + GRACE_MS
    if (now < this.#until && maxStalenessMs >= this.#maxStalenessMs && isAlive) return
    const until = now + KEEP_MS
    this.#startedAt = now
    this.#maxStalenessMs = now < this.#until ? Math.min(maxStalenessMs, this.#maxStalenessMs) : maxStalenessMs
    this.#until = until
    io.waitUntil(this.#keep(++this.#turn, until, io))
  }

  async #keep(turn: number, until: number, io: RequestIo): Promise<void> {
    const { fence, refresher, runtime, sql } = this.#isolate
    while (runtime.now() < until && this.#turn === turn) {
      const dueIn = fence.asOf + refreshAge(this.#maxStalenessMs) - runtime.now()
      if (dueIn > 0) {
        await sleep(runtime, Math.min(dueIn, until - runtime.now()))
        continue
      }
      try {
        await refresher.run(io)
        // Even where that left the fence as old as it was.
        await sleep(runtime, LEAST_PAUSE_MS)
      } catch {
        // Readers meet the failure themselves; meanwhile the pause of a failing D1 is the breaker's.
        if (sql.breaker.isOpen) break
        await sleep(runtime, Math.min(refreshAge(this.#maxStalenessMs), until - runtime.now()))
      }
    }
    if (this.#turn === turn) this.#until = Number.NEGATIVE_INFINITY
  }
}

/** How old the fence may grow before it is refreshed ahead of need, ms. */
export function refreshAge(maxStalenessMs: number): number {
  return maxStalenessMs * (maxStalenessMs <= SHORT_MS ? AHEAD_SHORT : AHEAD)
}
