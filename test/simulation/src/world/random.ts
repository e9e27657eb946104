/** The one source of chance in a run: sfc32, seeded from text, so that a run is a pure function of its seed and scenario. */
export class Random {
  #a: number
  #b: number
  #c: number
  #d: number

  constructor(seed: string) {
    let hash = 0x811c9dc5
    const next = (salt: string) => {
      for (const char of salt + seed) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193)
      return hash >>> 0
    }
    this.#a = next('a')
    this.#b = next('b')
    this.#c = next('c')
    this.#d = next('d') | 1
    for (let i = 0; i < 12; i++) this.next()
  }

  /** Uniform in [0, 1). */
  next(): number {
    const t = (((this.#a + this.#b) | 0) + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t
    return (t >>> 0) / 0x1_0000_0000
  }

  /** A whole number in [0, n). */
  below(n: number): number {
    return Math.floor(this.next() * n)
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  chance(share: number): boolean {
    return share > 0 && this.next() < share
  }

  /** One of them; the first ones more often when `skew` is above 1. */
  pick<T>(from: readonly T[], skew = 1): T {
    const picked = from[Math.floor(from.length * this.next() ** skew)]
    if (picked === undefined) throw new RangeError('nothing to pick from')
    return picked
  }

  /** Time until the next of events that come at random, whole milliseconds. */
  gap(mean: number): number {
    return Math.round(-Math.log(1 - this.next()) * mean)
  }
}
