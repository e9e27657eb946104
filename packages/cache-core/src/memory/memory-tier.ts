import type { CacheEntry } from '../entry.ts'
import { fingerprint } from '../keys/fingerprint.ts'
import type { Recipe } from '../source.ts'
import { Fifo } from './fifo.ts'
import { Ghosts } from './ghosts.ts'
import { LEAST_BYTES } from './size.ts'
import { type HeldEntry, Slot } from './slot.ts'

/** An entry over this share of the byte cap would push out too many others. */
const MAX_ENTRY_SHARE = 0.05
/** Of the entries, at most this share may say "not found". */
const MAX_ABSENT_SHARE = 0.1
/** Of the room, what newcomers have before they must have been read again. */
const NEWCOMERS_SHARE = 0.15
/** Times that an entry may pass the main queue's end for what it was read since the last time. */
const MAX_CREDIT = 5
/** One read is enough for entries up to this many times the mean size, where bytes are short. */
const LARGE = 2
/** What coming back while it is remembered is worth: as many reads. */
const COMING_BACK = 2
/** Each insert looks at this many old entries, and drops those that are past use. */
const SCAN_STEPS = 2

/**
 * The memory of one isolate, for all namespaces together. What it holds is judged by its reader: this only bounds it.
 *
 * S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi: "FIFO queues are all you need for cache eviction", SOSP 2023). What comes in joins a
 * small queue; what nobody reads again before it reaches that queue's end is dropped, and leaves a fingerprint. What was read,
 * or comes back while its fingerprint is known, joins the main queue, at whose end it goes round once for each read, at most
 * five times. So one pass over many keys, which empties an LRU, passes through a part of this one only; and a hit moves nothing:
 * it writes one counter, which popularity and eviction read from where each of them left off.
 *
 * Where bytes are short, what an entry has earned is weighed by its size, after GreedyDual-Size-Frequency (Cherkasova, HPL-98-69,
 * 1998): a hit saves a query, whatever its size, so the room of a large entry has to pay for itself in reads. Where the number of
 * entries is short, each takes up as much as any other.
 *
 * "Not found" has a queue of its own and at most a tenth of the entries, or made-up ids would push out what is really read.
 *
 * Queues are linked through the slots: beside them a Map is all there is, so a hit is one look-up in it.
 */
export class MemoryTier {
  /** For whoever checks it. `small` and `absent` are of newcomers. */
  readonly queues = { small: new Fifo(), main: new Fifo(), absent: new Fifo() }
  readonly limits: { readonly maxBytes: number; readonly maxEntries: number; readonly maxAbsent: number }
  /** What newcomers may have before others make room for them. */
  readonly #share: { readonly entries: number; readonly bytes: number }
  readonly #slots = new Map<string, Slot>()
  readonly #evicted: (namespace: string) => void
  /** Made when something is first dropped. */
  #ghosts: Ghosts | null = null
  #evictions = 0
  #arrivals = 0
  /** The clock at the first set, ms; null before. Ends are told from there: for some weeks V8 keeps numbers so small unboxed. */
  #firstSetAt: number | null = null
  /** No entry's use ends before this. */
  #nextEnd = Number.POSITIVE_INFINITY
  /** The same, of those that the walk has passed or that came in since it began. */
  #nextEndOfWalk = Number.POSITIVE_INFINITY
  /** The next one that the walk looks at, and how many queues it has begun. */
  #scan: Slot | null = null
  #walked = 0

  /** @param limits `evicted` hears of the namespace of each entry that is dropped to make room */
  constructor(limits: { maxBytes: number; maxEntries: number; evicted?: (namespace: string) => void }) {
    const { maxBytes, maxEntries, evicted = () => {} } = limits
    const maxAbsent = Math.max(1, Math.floor(maxEntries * MAX_ABSENT_SHARE))
    this.limits = { maxBytes, maxEntries, maxAbsent }
    this.#share = { entries: maxEntries * NEWCOMERS_SHARE, bytes: maxBytes * NEWCOMERS_SHARE }
    this.#evicted = evicted
  }

  get entries(): number {
    const { small, main, absent } = this.queues
    return small.entries + main.entries + absent.entries
  }

  get bytes(): number {
    const { small, main, absent } = this.queues
    return small.bytes + main.bytes + absent.bytes
  }

  /** Entries dropped to make room. */
  get evictions(): number {
    return this.#evictions
  }

  /** The place of a key. Whoever answers from it counts the hit there. */
  find(keyText: string): Slot | undefined {
    return this.#slots.get(keyText)
  }

  /** What is held under a key, which counts as a read of it. */
  get(keyText: string): HeldEntry | undefined {
    const slot = this.#slots.get(keyText)
    if (slot !== undefined) slot.hits++
    return slot
  }

  /**
   * @param keepUntil clock at which the entry is of no more use, ms
   * @param recipe what the key was made from, where that is known
   * @returns false when it is too large to keep
   */
  set(
    keyText: string,
    entry: CacheEntry,
    keepUntil: number,
    now: number,
    recipe: Recipe | null = null,
  ): boolean {
    this.#firstSetAt ??= now
    const clock = now - this.#firstSetAt
    if (clock >= this.#nextEnd) this.#dropExpired(clock)
    const known = this.#slots.get(keyText)
    if (keyText.length + entry.bytes > this.limits.maxBytes * MAX_ENTRY_SHARE) {
      if (known !== undefined) this.#drop(known)
      return false
    }
    const endsAt = Math.floor(keepUntil - this.#firstSetAt)
    if (endsAt < this.#nextEnd) this.#nextEnd = endsAt
    if (endsAt < this.#nextEndOfWalk) this.#nextEndOfWalk = endsAt
    if (known === undefined) this.#insert(keyText, entry, endsAt, recipe)
    else this.#replace(known, entry, endsAt, recipe)
    return true
  }

  delete(keyText: string): void {
    const slot = this.#slots.get(keyText)
    if (slot !== undefined) this.#drop(slot)
  }

  clear(): void {
    for (const queue of Object.values(this.queues)) queue.clear()
    this.#slots.clear()
    this.#ghosts?.clear()
    this.#scan = null
    this.#walked = 0
    this.#nextEnd = Number.POSITIVE_INFINITY
    this.#nextEndOfWalk = Number.POSITIVE_INFINITY
  }

  /** Key texts and entries, in no order that matters. */
  *list(): Generator<[string, CacheEntry]> {
    for (const [key, { entry }] of this.#slots) yield [key, entry]
  }

  /** What is held under a key, without counting that as a read. */
  inspect(keyText: string): HeldEntry | undefined {
    return this.#slots.get(keyText)
  }

  /** The same for all keys, in no order that matters. */
  inspectAll(): Iterable<[string, HeldEntry]> {
    return this.#slots.entries()
  }

  /**
   * Reads of each key since the last call, the many first and of equals what came in last, of those whose recipe is known.
   * Counting starts anew.
   */
  takeReads(): { recipe: Recipe; namespace: string; reads: number }[] {
    const taken: { recipe: Recipe; namespace: string; reads: number }[] = []
    for (const slot of this.#slots.values()) {
      const { recipe, reads, entry } = slot
      // What is not there is not worth warming, however often it is asked for.
      if (recipe === null || reads === 0 || !entry.found) continue
      taken.push({ recipe, namespace: entry.namespace, reads })
      slot.taken = slot.hits
    }
    return taken.reverse().sort((a, b) => b.reads - a.reads)
  }

  #insert(keyText: string, entry: CacheEntry, endsAt: number, recipe: Recipe | null): void {
    const bytes = keyText.length + entry.bytes
    const hash = this.#ghosts === null ? -1 : fingerprint(keyText)
    const isKnown = entry.found && this.#isGhost(hash) && this.#worthOf(COMING_BACK, bytes) > 0
    this.#makeRoom(bytes, entry.found)
    const slot = new Slot(keyText, entry, endsAt, recipe)
    slot.hash = hash
    this.#slots.set(keyText, slot)
    if (isKnown) this.queues.main.append(slot)
    else this.#join(slot)
  }

  /** Another value of a key that is there: what it has earned stays, and nothing is counted anew. */
  #replace(slot: Slot, entry: CacheEntry, endsAt: number, recipe: Recipe | null): void {
    const wasMain = slot.queue === this.queues.main
    this.#leave(slot)
    slot.hold(entry, endsAt, recipe)
    slot.hits++
    this.#makeRoom(slot.bytes, entry.found)
    if (wasMain && entry.found) this.queues.main.append(slot)
    else this.#join(slot)
  }

  #isGhost(hash: number): boolean {
    return this.queues.main.entries > 0 && (this.#ghosts?.take(hash) ?? false)
  }

  /** To the newcomers, as one that nobody has read again. */
  #join(slot: Slot): void {
    const { small, absent } = this.queues
    slot.arrival = ++this.#arrivals
    if (slot.entry.found) small.append(slot)
    else absent.append(slot)
  }

  #leave(slot: Slot): void {
    if (this.#scan === slot) this.#scan = slot.after
    slot.queue?.remove(slot)
  }

  #drop(slot: Slot): void {
    this.#leave(slot)
    this.#slots.delete(slot.key)
  }

  #evict(slot: Slot): void {
    this.#drop(slot)
    this.#evictions++
    this.#evicted(slot.namespace)
  }

  /** For one that stands in no queue. */
  #makeRoom(bytes: number, isFound: boolean): void {
    const { maxBytes, maxEntries, maxAbsent } = this.limits
    const { absent } = this.queues
    // First, before what is read would have to go. It makes room for its like, so it counts as no eviction.
    while (!isFound && absent.entries >= maxAbsent) {
      const last = this.#oldestAbsent()
      if (last !== null) this.#drop(last)
    }
    while (this.entries >= maxEntries || this.bytes + bytes > maxBytes) this.#evictOne()
  }

  #evictOne(): void {
    const slot = this.#victim()
    if (slot === null) return
    if (slot.queue === this.queues.small) this.#remember(slot)
    this.#evict(slot)
  }

  /** The newcomers give way until they are down to their share, then the main queue. */
  #victim(): Slot | null {
    const { small, main, absent } = this.queues
    const share = this.#share
    for (;;) {
      const entries = small.entries + absent.entries
      const bytes = small.bytes + absent.bytes
      const isOver = entries >= share.entries || bytes >= share.bytes
      if (main.first !== null && !isOver) return this.#victimInMain()
      const slot = this.#oldestNewcomer()
      if (slot === null) return this.#victimInMain()
      if (slot.queue === absent || this.#earned(slot) === 0) return slot
      slot.credit = 0
      this.#leave(slot)
      main.append(slot)
    }
  }

  #oldestNewcomer(): Slot | null {
    const { small } = this.queues
    const absent = this.#oldestAbsent()
    if (small.first === null) return absent
    return absent !== null && absent.arrival < small.first.arrival ? absent : small.first
  }

  /** Those that were asked for again go to the back of their queue: there is no other for them. */
  #oldestAbsent(): Slot | null {
    const { absent } = this.queues
    for (let slot = absent.first; slot !== null; slot = absent.first) {
      if (slot.hits === slot.weighed) return slot
      slot.weighed = slot.hits
      this.#leave(slot)
      this.#join(slot)
    }
    return null
  }

  #victimInMain(): Slot | null {
    const { main } = this.queues
    for (let slot = main.first; slot !== null; slot = main.first) {
      slot.credit = Math.min(MAX_CREDIT, slot.credit + this.#earned(slot))
      if (slot.credit === 0) return slot
      slot.credit--
      this.#leave(slot)
      main.append(slot)
    }
    return null
  }

  /** What an entry's reads are worth that were not weighed yet. Those that are worth nothing yet are kept for the next time. */
  #earned(slot: Slot): number {
    const reads = slot.hits - slot.weighed
    if (reads === 0) return 0
    const worth = this.#worthOf(reads, slot.bytes)
    if (worth > 0) slot.weighed = slot.hits
    return Math.min(MAX_CREDIT, worth)
  }

  /** By size where bytes are short; else all entries take up the same. */
  #worthOf(reads: number, bytes: number): number {
    const { entries, bytes: all } = this
    const { maxBytes, maxEntries } = this.limits
    if (all * maxEntries <= entries * maxBytes) return reads
    return Math.floor((reads * LARGE * all) / (entries * bytes))
  }

  #remember(slot: Slot): void {
    const { main } = this.queues
    const { maxBytes, maxEntries } = this.limits
    this.#ghosts ??= new Ghosts(Math.min(maxEntries, maxBytes / LEAST_BYTES))
    this.#ghosts.add(slot.hash < 0 ? fingerprint(slot.key) : slot.hash, main.entries)
  }

  /** A bounded walk through the queues, taken up again at the next set. @param clock ms since `#firstSetAt` */
  #dropExpired(clock: number): void {
    for (let step = 0; step < SCAN_STEPS; step++) {
      const slot = this.#scan ?? this.#firstOfNextQueue()
      if (slot === null) return
      this.#scan = slot.after
      if (slot.endsAt <= clock) this.#drop(slot)
      else if (slot.endsAt < this.#nextEndOfWalk) this.#nextEndOfWalk = slot.endsAt
    }
  }

  #firstOfNextQueue(): Slot | null {
    const { small, main, absent } = this.queues
    const order = [small, main, absent]
    while (this.#walked < order.length) {
      const first = order[this.#walked++]?.first
      if (first) return first
    }
    // All were seen, and those that came in meanwhile were noted.
    this.#nextEnd = this.#nextEndOfWalk
    this.#nextEndOfWalk = Number.POSITIVE_INFINITY
    this.#walked = 0
    return null
  }
}
