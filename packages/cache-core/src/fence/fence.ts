import { matches } from '../keys/pattern.ts'
import type { Tail } from '../log/tail.ts'
import { isPlaceCount, MAX_PLACES, PLACES } from './folded.ts'
import { PatternIndex } from './pattern-index.ts'
import type { Snapshot } from './snapshot.ts'

/** How much a fence keeps. */
export interface FenceLimits {
  /** Patterns that it knows by name, at least 1; past them, older ones are folded. Default 10,000: about 2 MB. */
  maxPatterns?: number
  /** Places that folded names share, a power of two. Default 262,144: 2 MB, once something is folded. */
  foldedPlaces?: number
}

const MAX_PATTERNS = 10_000

/** What the fence was when a query was sent: its answer means something only beside it. */
export interface Asked {
  epoch: string | null
  head: number
  headEventId: string | null
  /** The highest seq known of: above the head where an own write got one that the tail has not reached. */
  known: number
  /** Clock before the query was sent: what the answer is current at, at least. */
  sentAt: number
  /** Position in this isolate's order of reads and queries, which the clock cannot give since it stands still. */
  ordinal: number
  /** Own writes that had been answered by then. */
  writes: number
}

/**
 * What applying an answer came to. `more`: the page was full, ask again. `adopted`: a new epoch began here, drop all
 * entries. `restored`: the database is an older one than we have seen, move its epoch. `ignored`: the answer says nothing
 * about the fence as it is now.
 */
export type Applied = 'current' | 'more' | 'adopted' | 'restored' | 'ignored'

/** What a read asks of the fence. */
export interface Freshness {
  /** The read's own place in the isolate's order. */
  ordinal: number
  /** When it began. */
  startedAt: number
  /** Its Δ in ms; 0 means: asked of D1 after the read began. */
  maxStalenessMs: number
  /** Position that the answer must not be older than; 0 for any. */
  minSeq: number
}

/** What the fence judges: the part of an entry that validity depends on. */
export interface Judged {
  path: string
  tags: readonly string[]
  epoch: string
  stamp: number
}

/**
 * An isolate's copy of the invalidation log's recent tail. It does no I/O: it is told what D1 answered, and judges entries.
 *
 * What always holds: every row of the epoch with floor < seq ≤ head is in the index, or in what it was folded into with a seq
 * at least as high; every row committed before `asOf` has a seq of at most head. So an entry stamped at floor or above
 * that no newer pattern matches was current at `asOf`.
 */
export class Fence {
  epoch: string | null = null
  head = 0
  headEventId: string | null = null
  floor = 0
  asOf = Number.NEGATIVE_INFINITY
  #known = 0
  #prunedTo = 0
  #changes = 0
  #askedLast = -1
  #writes = 0
  /** Epochs that this fence has seen the end of. */
  readonly #left = new Set<string>()
  #index: PatternIndex
  /** Patterns of own writes whose outcome is unknown, until a tail asked after them tells. */
  #marks = new PatternIndex()
  #markedAt = -1
  readonly #cap: number
  readonly #places: number

  /** @throws RangeError for limits that are none */
  constructor({ maxPatterns = MAX_PATTERNS, foldedPlaces = PLACES }: FenceLimits = {}) {
    if (!Number.isInteger(maxPatterns) || maxPatterns < 1)
      throw new RangeError(`maxPatterns is ${maxPatterns}; it may be a whole number from 1 on`)
    if (!isPlaceCount(foldedPlaces))
      throw new RangeError(`foldedPlaces is ${foldedPlaces}; it may be a power of two, at most ${MAX_PLACES}`)
    this.#cap = maxPatterns
    this.#places = foldedPlaces
    this.#index = new PatternIndex(foldedPlaces)
  }

  /** Patterns that it knows by name. */
  get size(): number {
    return this.#index.size
  }

  /** Another number whenever something has come in that may make an entry invalid: what was valid at this one still is. */
  get changes(): number {
    return this.#changes
  }

  /** Patterns of own writes whose outcome is unknown. */
  get marks(): number {
    return this.#marks.size
  }

  /** Epochs that it has seen the end of. */
  get endedEpochs(): number {
    return this.#left.size
  }

  /** To be taken right before a query with the tail is sent. */
  ask(now: number, ordinal: number): Asked {
    return {
      epoch: this.epoch,
      head: this.head,
      headEventId: this.headEventId,
      known: this.#known,
      sentAt: now,
      ordinal,
      writes: this.#writes,
    }
  }

  /** Whether a read may rely on the fence as it is. */
  isFresh(need: Freshness): boolean {
    if (this.epoch === null) return false
    if (this.#askedLast > need.ordinal) return true
    return this.isRecent(need.startedAt, need.maxStalenessMs)
  }

  /** Whether it was current at most so long before a clock, ms: all that a read without further wishes asks of it. */
  isRecent(startedAt: number, maxStalenessMs: number): boolean {
    // A clock that was set back says nothing about what was asked before.
    if (maxStalenessMs <= 0 || this.asOf > startedAt) return false
    return this.asOf >= startedAt - maxStalenessMs
  }

  /**
   * Whether an answer that the fence calls valid has seen what the reader has. A position above the log's head, as of
   * after the read began, belongs to no log that is left: then the newest there is has to do.
   * @param stamp of the entry, or 0 for any entry
   */
  reaches(need: Freshness, stamp: number): boolean {
    return Math.max(this.head, stamp) >= need.minSeq || this.#askedLast > need.ordinal
  }

  /** Whether nothing known has invalidated the entry since its stamp. Says nothing about freshness or lifetime. */
  isValid(entry: Judged): boolean {
    if (entry.epoch !== this.epoch || entry.stamp < this.floor) return false
    if (this.#hit(this.#index, entry, entry.stamp)) return false
    return this.#markedAt < 0 || !this.#hit(this.#marks, entry, 0)
  }

  /**
   * The highest seq that matches a key's path itself: the last part of its KV name. Of a name alone none that the log has pruned: a
   * fence that began since does not know of it, and has to call the key by the same name. What lies there is still judged by its
   * stamp. Patterns with wildcards go on to count: they stand for many keys, which would all be loaded anew in the same moment, and
   * snapshots know them.
   */
  generation(path: string): number {
    return this.#index.newest(path, this.#prunedTo)
  }

  /** Of the names that an entry depends on, the one that was invalidated last; null when none ever was, as far as is known. */
  newestOf({ path, tags }: Pick<Judged, 'path' | 'tags'>): { name: string; seq: number } | null {
    let newest: { name: string; seq: number } | null = null
    for (const name of [path, ...tags]) {
      const seq = this.#index.newest(name)
      if (seq > (newest?.seq ?? 0)) newest = { name, seq }
    }
    return newest
  }

  /**
   * The newest pattern that matches a name. For people: it goes through all patterns.
   * @returns a `pattern` of null where that was folded: it was of this name, or of another one with the same place
   */
  newestMatch(name: string): { pattern: string | null; seq: number } | null {
    const newest = this.#index.newest(name)
    if (newest === 0) return null
    for (const [pattern, seq] of this.#index.entries())
      if (seq === newest && matches(pattern, name)) return { pattern, seq }
    return { pattern: null, seq: newest }
  }

  /** Takes in what D1 answered to a query sent at `asked`. */
  apply(tail: Tail, asked: Asked): Applied {
    if (asked.epoch !== this.epoch) return 'ignored'
    if (tail.rows.length > 0 || tail.epoch !== this.epoch) this.#changes++
    if (this.epoch === null) {
      this.epoch = tail.epoch
      this.floor = tail.prunedTo
    } else if (tail.epoch !== this.epoch) {
      // Epochs never come back but by a restore; entries of this one are still in KV, and must not come back with it.
      if (this.#left.has(tail.epoch)) return 'restored'
      // Written meanwhile: the write's own row may lie past this answer, and a reset would forget it.
      if (asked.writes !== this.#writes) return 'ignored'
      this.#reset(tail, asked)
      return 'adopted'
    } else if (isRestored(tail, asked)) return 'restored'
    this.#prunedTo = Math.max(this.#prunedTo, tail.prunedTo)
    if (tail.prunedTo > asked.head) this.#raiseFloor(tail.prunedTo)
    for (const row of tail.rows) {
      for (const pattern of row.patterns) this.#index.add(pattern, row.seq)
      this.#advance(row.seq, row.eventId)
    }
    this.#coarsen()
    if (tail.truncated) return 'more'
    this.#settle(asked)
    return 'current'
  }

  /** Gives up reading a tail that is too long: all before its end is forgotten, and so invalid. */
  skipTo(tail: Tail, asked: Asked): void {
    if (tail.epoch !== this.epoch || asked.epoch !== this.epoch || tail.maxEventId === null) return
    this.#advance(tail.maxSeq, tail.maxEventId)
    this.#raiseFloor(tail.maxSeq)
    this.#settle(asked)
  }

  /**
   * Takes in a snapshot from KV, however old: a union, by the highest of everything. It is only a start for the tail, so it
   * makes nothing fresh.
   */
  merge(snapshot: Snapshot): void {
    this.#changes++
    if (this.epoch === null) this.epoch = snapshot.epoch
    if (snapshot.epoch !== this.epoch) return
    for (const [pattern, seq] of snapshot.patterns) this.#index.add(pattern, seq)
    if (snapshot.folded !== null) this.#index.merge(snapshot.folded, snapshot.head)
    this.#advance(snapshot.head, snapshot.headEventId)
    this.#raiseFloor(snapshot.floor)
    this.#coarsen()
  }

  /** An own write was answered: adopting answers that were asked before it are void from now on. */
  noteWrite(): void {
    this.#writes++
  }

  /** An own write got this seq, but the fence could not follow the tail to it: its patterns hold, the head stays. */
  markAt(patterns: readonly string[], seq: number): void {
    this.#changes++
    for (const pattern of patterns) this.#index.add(pattern, seq)
    this.#known = Math.max(this.#known, seq)
    this.#coarsen()
  }

  /** An own write may or may not have happened: what it touches is invalid until a tail asked from now on has told. */
  markUnknown(patterns: readonly string[], ordinal: number): void {
    this.#changes++
    for (const pattern of patterns) this.#marks.add(pattern, 1)
    if (this.#marks.size > this.#cap) {
      this.#marks = new PatternIndex()
      this.#marks.add('*', 1)
    }
    this.#markedAt = ordinal
  }

  #hit(index: PatternIndex, entry: Judged, seq: number): boolean {
    if (index.hasNewer(entry.path, seq)) return true
    for (const tag of entry.tags) if (index.hasNewer(tag, seq)) return true
    return false
  }

  #advance(seq: number, eventId: string): void {
    if (seq <= this.head) return
    this.head = seq
    this.headEventId = eventId
    this.#known = Math.max(this.#known, seq)
  }

  /** The answer reached the end of the log: as far as it was current, so is the fence. */
  #settle(asked: Asked): void {
    // The order tells which answer is the newer one: a clock can be set back.
    if (asked.ordinal > this.#askedLast) {
      this.asOf = asked.sentAt
      this.#askedLast = asked.ordinal
    }
    if (this.#markedAt >= 0 && asked.ordinal > this.#markedAt) {
      this.#marks = new PatternIndex()
      this.#markedAt = -1
    }
  }

  #raiseFloor(seq: number): void {
    if (seq <= this.floor) return
    this.floor = seq
    this.#changes++
  }

  #coarsen(): void {
    while (this.#index.size > this.#cap) this.#raiseFloor(this.#index.fold(this.#cap))
  }

  #reset(tail: Tail, asked: Asked): void {
    if (this.epoch !== null) this.#left.add(this.epoch)
    this.epoch = tail.epoch
    this.head = tail.maxSeq
    this.headEventId = tail.maxEventId
    this.#known = tail.maxSeq
    this.#prunedTo = tail.prunedTo
    this.floor = tail.maxSeq
    this.asOf = asked.sentAt
    this.#askedLast = asked.ordinal
    this.#index = new PatternIndex(this.#places)
    this.#marks = new PatternIndex()
    this.#markedAt = -1
  }
}

/** Whether the log is not the one that was seen before: it ends before a row known of, or holds another event at our head. */
function isRestored(tail: Tail, asked: Asked): boolean {
  if (tail.maxSeq < asked.known) return true
  if (asked.head === 0 || tail.eventIdAtHead === asked.headEventId) return false
  return tail.eventIdAtHead !== null || tail.prunedTo < asked.head
}
