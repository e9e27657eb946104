import type { Host } from './host.ts'
import type { Random } from './random.ts'

/** One-way latencies to the one D1, by location; milliseconds. */
const D1_MS = [0, 8, 40, 120]

/** How long things take, between whom. */
export class Network {
  #order = 0
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  /** Number of locations. */
  static readonly locations = D1_MS.length

  /** The next place in the order of everything that is sent and begun: ties of the clock do not show in it. */
  nextOrder(): number {
    return ++this.#order
  }

  d1Latency(host: Host): number {
    return this.#spread(D1_MS[host.location] ?? 40)
  }

  kvLatency(): number {
    return this.#spread(3)
  }

  queueLatency(): number {
    return this.#spread(10)
  }

  /** Mostly near the usual, at times a multiple of it. */
  #spread(usual: number): number {
    const factor = this.#random.chance(0.05) ? this.#random.between(2, 8) : 0.5 + this.#random.next()
    return Math.round(usual * factor + this.#random.below(2))
  }
}
