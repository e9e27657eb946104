/** Places that one fingerprint may stand in: a set of neighbours, of which the oldest gives way. */
const WAYS = 4
const SET = 2 * WAYS
const MOST = 2 ** 30 - 1

/**
 * Remembers which keys were dropped lately, as 30 bits of hash each. Its memory is fixed: 8 bytes a place, two to four places
 * for each that it is to remember. A hash that two keys share, or one that had to give way, only costs a worse guess.
 */
export class Ghosts {
  /** Hash and time of each place, side by side; the time, in additions, is 0 for an empty one. */
  readonly #places: Int32Array
  readonly #mask: number
  #now = 0

  /** @param most keys that are worth remembering */
  constructor(most: number) {
    const sets = 2 ** Math.ceil(Math.log2(Math.max(1, (2 * most) / WAYS)))
    this.#mask = sets - 1
    this.#places = new Int32Array(sets * SET)
  }

  /** What it takes, however much it remembers. */
  get bytes(): number {
    return this.#places.byteLength
  }

  add(hash: number): void {
    // After a thousand million additions it begins anew.
    if (this.#now === MOST) this.clear()
    this.#now++
    const place = this.#placeFor(hash)
    this.#places[place] = hash
    this.#places[place + 1] = this.#now
  }

  /**
   * Forgets a key, and tells whether it was known.
   * @param window how many of the last additions count
   */
  take(hash: number, window: number): boolean {
    const first = (hash & this.#mask) * SET
    for (let place = first; place < first + SET; place += 2) {
      const time = this.#places[place + 1] ?? 0
      if (time === 0 || this.#places[place] !== hash) continue
      this.#places[place + 1] = 0
      return this.#now - time < window
    }
    return false
  }

  clear(): void {
    this.#places.fill(0)
    this.#now = 0
  }

  /** Its own place where it has one, else the oldest of its set. */
  #placeFor(hash: number): number {
    const first = (hash & this.#mask) * SET
    let oldest = first
    for (let place = first; place < first + SET; place += 2) {
      if (this.#places[place] === hash) return place
      if ((this.#places[place + 1] ?? 0) < (this.#places[oldest + 1] ?? 0)) oldest = place
    }
    return oldest
  }
}

/** 30 bits of a text: FNV-1a over its code units, mixed as at the end of MurmurHash3. Small enough for V8 to keep unboxed. */
export function fingerprint(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 2
}
