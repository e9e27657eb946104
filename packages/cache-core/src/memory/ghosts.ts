/** Keys that one bucket remembers: 16 bits of hash each, in two words, of which the upper half of the second is the oldest. */
const BUCKET = 4
const TAG_BITS = 16
const TAG = 2 ** TAG_BITS - 1

/**
 * Remembers which keys were dropped lately: some bits of each one's hash tell its bucket, others stand there for it, and push out
 * the oldest of four. Its memory is fixed and small, about two bytes for each key that it is to remember, so that it stays in the
 * processor's cache. Two keys with the same bits, one stranger in some 16,000, only cost a worse guess; and so does a full bucket.
 */
export class Ghosts {
  readonly #words: Int32Array
  readonly #most: number
  /** Of the buckets in use. */
  #mask = 0

  /** @param most keys that are worth remembering */
  constructor(most: number) {
    this.#most = bucketsFor(most)
    this.#words = new Int32Array(this.#most * 2)
  }

  /** What it takes, however much it remembers. */
  get bytes(): number {
    return this.#words.byteLength
  }

  /** @param window how many of the last additions are to be known, about: there is room for seven to fourteen tenths of them */
  add(hash: number, window: number): void {
    // Where the window has grown or shrunk by much, about half of what is known is still found where it is looked for.
    this.#mask = Math.min(this.#most, bucketsFor(window)) - 1
    const place = (hash & this.#mask) * 2
    const young = this.#words[place] ?? 0
    const old = this.#words[place + 1] ?? 0
    this.#words[place] = (young << TAG_BITS) | tagOf(hash)
    this.#words[place + 1] = (old << TAG_BITS) | (young >>> TAG_BITS)
  }

  /** Forgets a key, and tells whether it was known. */
  take(hash: number): boolean {
    const place = (hash & this.#mask) * 2
    return this.#takeAt(place, hash) || this.#takeAt(place + 1, hash)
  }

  #takeAt(place: number, hash: number): boolean {
    const word = this.#words[place] ?? 0
    const tag = tagOf(hash)
    if ((word & TAG) === tag) this.#words[place] = word & ~TAG
    else if (word >>> TAG_BITS === tag) this.#words[place] = word & TAG
    else return false
    return true
  }

  clear(): void {
    this.#words.fill(0)
  }
}

/** A power of two, so that some bits of a hash tell the bucket: room for seven to fourteen tenths of the keys. */
function bucketsFor(keys: number): number {
  return Math.max(1, (1 << (32 - Math.clz32(keys * 0.7))) / BUCKET)
}

/** The upper bits of the hash's 30; never 0, which says that nothing is there. */
function tagOf(hash: number): number {
  return hash >>> 14 || 1
}
