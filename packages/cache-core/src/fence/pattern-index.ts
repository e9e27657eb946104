import { broaden, isWild } from '../keys/pattern.ts'
import { Folded, type Packed } from './folded.ts'

/** How full an index may be after a fold, or there would soon be another. */
const FILL_AFTER_FOLD = 0.75

/**
 * Pattern → highest seq, answering "what is the newest invalidation that matches this name?".
 *
 * Most patterns are exact names, so those live in a map and cost one look-up. The ones with wildcards live in a tree by
 * segment; a walk visits each of its nodes at most once, so a hostile name cannot make it slow. Names that were folded share
 * places of a table.
 */
export class PatternIndex {
  readonly #exact = new Map<string, number>()
  #root = new Node()
  #wildSize = 0
  #wildMax = 0
  readonly #places: number | undefined
  /** Made when something is first folded. */
  #folded: Folded | null = null

  /** @param places for names that are folded, a power of two */
  constructor(places?: number) {
    this.#places = places
  }

  /** Number of patterns held, without what was folded. */
  get size(): number {
    return this.#exact.size + this.#wildSize
  }

  /** Notes that a pattern was invalidated at a seq; the highest one stays. */
  add(pattern: string, seq: number): void {
    if (!isWild(pattern)) {
      if (seq > (this.#exact.get(pattern) ?? 0)) this.#exact.set(pattern, seq)
      return
    }
    if (this.#root.add(pattern.split(':'), 0, seq)) this.#wildSize++
    if (seq > this.#wildMax) this.#wildMax = seq
  }

  /**
   * The highest seq whose pattern matches the name; 0 when none does.
   * @param prunedTo of patterns without wildcards, only what is above counts
   */
  newest(name: string, prunedTo = 0): number {
    const exact = Math.max(this.#exact.get(name) ?? 0, this.#folded?.newest(name) ?? 0)
    const own = exact > prunedTo ? exact : 0
    if (this.#wildMax <= own) return own
    return this.#root.newest(name.split(':'), 0, own)
  }

  /** Whether something newer than `seq` matches the name: cheaper than `newest` where nothing is newer at all. */
  hasNewer(name: string, seq: number): boolean {
    if ((this.#exact.get(name) ?? 0) > seq) return true
    const folded = this.#folded
    if (folded !== null && folded.highest > seq && folded.newest(name) > seq) return true
    return this.#wildMax > seq && this.#root.newest(name.split(':'), 0, seq) > seq
  }

  /** All patterns with their seqs, without what was folded. */
  *entries(): Generator<[pattern: string, seq: number]> {
    yield* this.#exact
    yield* this.#root.entries([])
  }

  /** What was folded, for JSON; null where nothing was. See `Folded`. */
  pack(head: number, floor: number): Packed | null {
    return this.#folded?.pack(head, floor) ?? null
  }

  /** Takes in what another index has folded. @param head that it was packed with */
  merge(folded: Packed, head: number): void {
    this.#table().merge(folded, head)
  }

  #table(): Folded {
    this.#folded ??= new Folded(this.#places)
    return this.#folded
  }

  /**
   * Makes the index smaller. Names go into the table of the folded, the older half of them or as many as there is no room for
   * beside what has wildcards. That has no place there: where it alone is too much, its older half is broadened, each with the
   * highest seq of those it stands for; and if that is not enough, forgotten. So nothing invalid can become valid, and entries
   * loaded since then lose nothing.
   * @param cap the most patterns to keep
   * @returns the seq below which entries are now invalid; 0 when nothing was forgotten
   */
  fold(cap: number): number {
    const room = Math.max(1, Math.floor(cap * FILL_AFTER_FOLD))
    const kept = Math.min(this.#exact.size >> 1, Math.max(0, room - this.#wildSize))
    const cut = newestBut(kept, this.#exact.values())
    for (const [name, seq] of this.#exact) {
      if (seq > cut) continue
      this.#table().add(name, seq)
      this.#exact.delete(name)
    }
    if (this.size <= room) return 0
    const wild = [...this.#root.entries([])]
    const wildCut = newestBut(
      wild.length >> 1,
      wild.map(([, seq]) => seq),
    )
    this.#keepWild(wild.map(([pattern, seq]) => [seq > wildCut ? pattern : broaden(pattern), seq]))
    if (this.size <= room) return 0
    this.#keepWild(wild.filter(([, seq]) => seq > wildCut))
    return wildCut
  }

  #keepWild(patterns: readonly (readonly [pattern: string, seq: number])[]): void {
    this.#root = new Node()
    this.#wildSize = 0
    this.#wildMax = 0
    for (const [pattern, seq] of patterns) this.add(pattern, seq)
  }
}

/** The newest seq when the `kept` newest are left out; 0 for none. */
function newestBut(kept: number, seqs: Iterable<number>): number {
  const sorted = Float64Array.from(seqs).sort()
  return sorted[sorted.length - kept - 1] ?? 0
}

/** One segment of a wildcard pattern. `seq` is where a pattern ends here, `rest` where one ends here with a final `*`. */
class Node {
  seq = 0
  rest = 0
  star: Node | null = null
  readonly children = new Map<string, Node>()

  /** @returns whether the pattern is new */
  add(segments: string[], at: number, seq: number): boolean {
    const segment = segments[at]
    if (segment === undefined) {
      const isNew = this.seq === 0
      if (seq > this.seq) this.seq = seq
      return isNew
    }
    if (segment === '*' && at === segments.length - 1) {
      const isNew = this.rest === 0
      if (seq > this.rest) this.rest = seq
      return isNew
    }
    return this.#child(segment).add(segments, at + 1, seq)
  }

  newest(segments: string[], at: number, best: number): number {
    let found = Math.max(this.rest, best)
    const segment = segments[at]
    if (segment === undefined) return Math.max(this.seq, found)
    const child = this.children.get(segment)
    if (child !== undefined) found = child.newest(segments, at + 1, found)
    if (this.star !== null) found = this.star.newest(segments, at + 1, found)
    return found
  }

  *entries(path: string[]): Generator<[string, number]> {
    if (this.seq > 0) yield [path.join(':'), this.seq]
    if (this.rest > 0) yield [[...path, '*'].join(':'), this.rest]
    for (const [segment, child] of this.children) yield* child.entries([...path, segment])
    if (this.star !== null) yield* this.star.entries([...path, '*'])
  }

  #child(segment: string): Node {
    if (segment === '*') {
      this.star ??= new Node()
      return this.star
    }
    let child = this.children.get(segment)
    if (child === undefined) {
      child = new Node()
      this.children.set(segment, child)
    }
    return child
  }
}
