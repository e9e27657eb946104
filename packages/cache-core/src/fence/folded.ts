import { fingerprint } from '../keys/fingerprint.ts'

/** Places that names share: 2 MB. With a million names, four of them to a place. */
export const PLACES = 2 ** 18
/** 8 MB of the 128 that an isolate has; all in use, as much again in a snapshot. */
export const MAX_PLACES = 2 ** 20

/** A table as JSON has it. */
export interface Packed {
  places: number
  /** Of each place in use two numbers: how far it lies past the one before it, and how many positions its seq is behind the log's head. */
  steps: readonly number[]
}

/**
 * What is left of names that were folded: the highest seq at the place that a name's hash tells, which it may share with others. So
 * a name that was changed long ago makes invalid what was loaded before under a few other names, and nothing else; however many
 * are folded, the memory stays the same. Names with a hash in common are one broader name: as in a Bloom filter (1970) of one
 * hash, whose bits tell when.
 *
 * Two fences that have folded the same names at different times agree on nearly all others, and so do the names in KV. The hash is
 * part of what the snapshot holds: with another one, the snapshot has to have another name.
 */
export class Folded {
  readonly #seqs: Float64Array
  #highest = 0

  /**
   * @param places fewer take less memory, and make more that is valid invalid
   * @throws RangeError when `isPlaceCount` says no
   */
  constructor(places: number = PLACES) {
    if (!isPlaceCount(places)) throw new RangeError(`a table of ${places} places`)
    this.#seqs = new Float64Array(places)
  }

  /** No name has a higher seq. */
  get highest(): number {
    return this.#highest
  }

  /** Notes a seq of a name; the highest one stays. */
  add(name: string, seq: number): void {
    this.#raise(this.#placeOf(name), seq)
  }

  /** The highest seq of a name, or of one that shares its place; 0 for none. */
  newest(name: string): number {
    return this.#seqs[this.#placeOf(name)] ?? 0
  }

  /** What it holds above a floor. @param head of the log, which no seq here is above */
  pack(head: number, floor: number): Packed {
    const steps: number[] = []
    let before = 0
    for (const [place, seq] of this.#seqs.entries()) {
      if (seq <= floor) continue
      steps.push(place - before, head - seq)
      before = place
    }
    return { places: this.#seqs.length, steps }
  }

  /** Takes in what another one held, of as many places or not. @param head that it was packed with */
  merge({ places, steps }: Packed, head: number): void {
    let place = 0
    for (let i = 0; i + 1 < steps.length; i += 2) {
      place += steps[i] ?? 0
      const seq = head - (steps[i + 1] ?? 0)
      // A hash's lower bits tell its place, so where one side has more places than the other, several stand for one.
      for (let at = place % this.#seqs.length; at < this.#seqs.length; at += places) this.#raise(at, seq)
    }
  }

  #placeOf(name: string): number {
    return fingerprint(name) & (this.#seqs.length - 1)
  }

  #raise(place: number, seq: number): void {
    if (seq > (this.#seqs[place] ?? 0)) this.#seqs[place] = seq
    if (seq > this.#highest) this.#highest = seq
  }
}

/** Whether a table can have so many places: a hash's lower bits have to tell one. */
export function isPlaceCount(places: number): boolean {
  return Number.isInteger(places) && places >= 1 && places <= MAX_PLACES && (places & (places - 1)) === 0
}
