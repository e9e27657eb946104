import { broaden, isWild } from '../keys/pattern.ts'

/**
 * Pattern → highest seq, answering "what is the newest invalidation that matches this name?".
 *
 * Most patterns are exact names, so those live in a map and cost one look-up. The ones with wildcards live in a tree by
 * segment; a walk visits each of its nodes at most once, so a hostile name cannot make it slow.
 */
export class PatternIndex {
  readonly #exact = new Map<string, number>()
  readonly #root = new Node()
  #wildSize = 0
  #wildMax = 0

  /** Number of patterns held. */
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

  /** The highest seq whose pattern matches the name; 0 when none does. */
  newest(name: string): number {
    const exact = this.#exact.get(name) ?? 0
    if (this.#wildMax <= exact) return exact
    return this.#root.newest(name.split(':'), 0, exact)
  }

  /** Whether something newer than `seq` matches the name: cheaper than `newest` where nothing is newer at all. */
  hasNewer(name: string, seq: number): boolean {
    if ((this.#exact.get(name) ?? 0) > seq) return true
    return this.#wildMax > seq && this.#root.newest(name.split(':'), 0, seq) > seq
  }

  /** All patterns with their seqs. */
  *entries(): Generator<[pattern: string, seq: number]> {
    yield* this.#exact
    yield* this.#root.entries([])
  }
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

/**
 * Makes an index fit its cap again. The older half of the patterns is folded into broader ones, each with the highest
 * seq of those it stands for, so that nothing invalid can become valid; entries loaded since then lose nothing. If that
 * is not enough, the older half is forgotten, and the floor rises to its newest seq.
 * @param cap the most patterns to keep
 * @returns the smaller index, and the seq below which entries are now invalid (0 when nothing was forgotten)
 */
export function fold(index: PatternIndex, cap: number): { index: PatternIndex; floor: number } {
  const sorted = [...index.entries()].sort((a, b) => a[1] - b[1])
  const older = sorted.slice(0, Math.ceil(sorted.length / 2))
  const newer = sorted.slice(older.length)
  const folded = new PatternIndex()
  for (const [pattern, seq] of older) folded.add(broaden(pattern), seq)
  for (const [pattern, seq] of newer) folded.add(pattern, seq)
  if (folded.size <= cap * 0.75) return { index: folded, floor: 0 }
  const kept = new PatternIndex()
  for (const [pattern, seq] of newer) kept.add(pattern, seq)
  return { index: kept, floor: older.at(-1)?.[1] ?? 0 }
}
