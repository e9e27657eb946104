import { type Bookmark, parseBookmark } from '../bookmark.ts'
import { type CacheEntry, renewAt } from '../entry.ts'
import type { Isolate, RequestIo } from '../isolate.ts'
import type { CacheKey } from '../keys/key.ts'
import type { HeldEntry, HitTerms, Slot } from '../memory/slot.ts'
import { count } from '../statistics/histogram.ts'
import { Hit, upToFor } from './answer.ts'
import type { ReadOptions } from './types.ts'

/** Most reads ask for nothing in particular. */
const NO_OPTIONS: ReadOptions = {}

/**
 * What memory answers by itself, before anything is awaited: the first step of DESIGN's flow *Read*. Whatever it is not sure of is
 * left to `Reader`.
 */
export class Hits {
  readonly #isolate: Isolate
  readonly #io: RequestIo

  constructor(isolate: Isolate, io: RequestIo) {
    this.#isolate = isolate
    this.#io = io
  }

  /** The answer of memory, where that is all the read needs: see `peek`. */
  hit<T>(key: CacheKey, parse: (json: unknown) => T, options: ReadOptions = NO_OPTIONS): Hit<T> | undefined {
    if (options.maxStalenessMs !== undefined || options.minLifeMs !== undefined) return undefined
    const now = this.#now()
    const bookmark = options.bookmark ? parseBookmark(options.bookmark) : null
    const slot = this.#peek(key.path, key.canonical, key.recipe !== null, now, bookmark)
    return slot && this.#hitOf(slot, now, bookmark, parse)
  }

  /** The same for a key as its caller writes it: where memory has it, nothing needs to be built. */
  hitAt<T>(
    path: string,
    parse: (json: unknown) => T,
    { maxStalenessMs, minLifeMs, bookmark: text }: ReadOptions = NO_OPTIONS,
  ): Hit<T> | undefined {
    if (maxStalenessMs !== undefined || minLifeMs !== undefined) return undefined
    const now = this.#now()
    const bookmark = text ? parseBookmark(text) : null
    const slot = this.#peek(path, null, false, now, bookmark)
    return slot && this.#hitOf(slot, now, bookmark, parse)
  }

  #hitOf<T>({ entry, text }: Slot, now: number, bookmark: Bookmark | null, parse: (json: unknown) => T) {
    return new Hit(
      entry,
      text,
      now,
      bookmark === null ? 0 : upToFor(entry, bookmark, this.#isolate.fence.head),
      parse,
    )
  }

  /**
   * What memory holds of a key, where it may be the answer as it stands: alive, and valid by a fence that is fresh enough for
   * the namespace's Δ. It counts as a read. Allocates nothing, awaits nothing; where nothing new was logged since the entry was
   * found valid, that is not looked into again.
   * @param now the clock, ms
   * @returns undefined: `read` knows what to do, be it a miss, a fence that is too old or a hit that is to be verified
   */
  peek(key: CacheKey | string, now: number): HeldEntry | undefined {
    if (typeof key === 'string') return this.#peek(key, null, false, now, null)
    return this.#peek(key.path, key.canonical, key.recipe !== null, now, null)
  }

  #peek(
    path: string,
    canonical: string | null,
    hasRecipe: boolean,
    now: number,
    bookmark: Bookmark | null,
  ): Slot | undefined {
    const isolate = this.#isolate
    const { fence } = isolate
    const slot = isolate.memory.find(path)
    if (slot === undefined || isolate.debug !== null || this.#io.note !== undefined) return undefined
    // Nothing is read of the entry itself: it would be one more miss of the processor's cache.
    const { quietMs, ages } = slot.terms ?? this.#settle(slot, now)
    if (now - isolate.beganAt >= slot.renewAt || slot.canonical !== canonical) return undefined
    const age = now - fence.asOf
    const isQuiet = age >= 0 && age < quietMs
    if (!isQuiet && !fence.isRecent(now, this.#staleness(slot))) return undefined
    if (slot.validAt !== fence.changes && !this.#isValid(slot)) return undefined
    // A key as its caller writes it has nothing else to ask, where all of them are cached.
    const isPlain = isolate.servesAll && !hasRecipe && bookmark === null
    if (!isPlain && !this.#suits(slot, hasRecipe, now, bookmark)) return undefined
    // Last: of a read that goes on from here, its own place in the isolate's order has to come before the refresh that it joins.
    if (!isQuiet) isolate.keeper.notice(this.#staleness(slot), this.#io)
    slot.hits++
    count(ages, age)
    return slot
  }

  /** Of a valid entry, asked once for each change of the fence. */
  #isValid(slot: Slot): boolean {
    const { fence } = this.#isolate
    if (!fence.isValid(slot.entry)) return false
    slot.validAt = fence.changes
    return true
  }

  /** The Δ of an entry's namespace. */
  #staleness({ entry }: Slot): number {
    return this.#isolate.policy(entry.namespace).maxStalenessMs
  }

  /** What is left to ask where a part of the keys is cached, the client has seen something, or the hit may have to be verified. */
  #suits(slot: Slot, hasRecipe: boolean, now: number, bookmark: Bookmark | null): boolean {
    const { verifier } = this.#isolate
    if (!this.#isolate.serves(slot.entry)) return false
    if (bookmark !== null && !this.#satisfies(slot.entry, bookmark, now)) return false
    // Only what is made from a recipe can be loaded again, to be held against the answer.
    return !hasRecipe || !verifier.isDue(slot)
  }

  /** Notes at an entry's place what all hits on it ask for. */
  #settle(slot: Slot, now: number): HitTerms {
    const isolate = this.#isolate
    if (isolate.beganAt < 0) isolate.beganAt = now
    const { entry } = slot
    // In the last part of its life it may have to be loaded anew, and past it be served all the same.
    slot.renewAt = Math.floor(renewAt(entry, isolate.draw()) - isolate.beganAt)
    slot.terms = isolate.home(entry.namespace).termsOf(entry.warmed)
    return slot.terms
  }

  #satisfies(entry: CacheEntry, bookmark: Bookmark, now: number): boolean {
    const { fence } = this.#isolate
    if (bookmark.epoch !== fence.epoch) return false
    // Of no place in the isolate's order: what the fence knows already has to do.
    const ordinal = Number.POSITIVE_INFINITY
    return fence.reaches({ ordinal, startedAt: now, maxStalenessMs: 0, minSeq: bookmark.seq }, entry.stamp)
  }

  #now(): number {
    return this.#isolate.runtime.now()
  }
}
