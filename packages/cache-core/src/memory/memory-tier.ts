import { LRUCache } from 'lru-cache'
import type { CacheEntry } from '../entry.ts'
import type { Recipe } from '../source.ts'

/** An entry over this share of the byte cap would push out too many others. */
const MAX_ENTRY_SHARE = 0.05
/** Of the entries, at most this share may say "not found". */
const MAX_ABSENT_SHARE = 0.1
/** What an entry costs beside its strings: objects, map slots, list links. Measured on V8, rounded up. */
const ENTRY_OVERHEAD_BYTES = 500
/** Each insert looks at this many old entries and drops up to two that are past use. */
const SCAN_STEPS = 8
const MAX_DROPPED = 2

/** The memory of one isolate, for all namespaces together. What it holds is judged by its reader: this only bounds it. */
export interface MemoryTier {
  readonly entries: number
  readonly bytes: number
  /** Entries dropped to make room. */
  readonly evictions: number
  get(keyText: string): CacheEntry | undefined
  /**
   * @param keepUntil clock at which the entry is of no more use, ms
   * @param recipe what the key was made from, where that is known
   * @returns false when it is too large to keep
   */
  set(keyText: string, entry: CacheEntry, keepUntil: number, now: number, recipe?: Recipe | null): boolean
  delete(keyText: string): void
  clear(): void
  /** Key texts and entries, most recently used first. */
  list(): Iterable<[string, CacheEntry]>
  /** What is held under a key, without counting that as a read. */
  inspect(keyText: string): HeldEntry | undefined
  /** The same for all keys, in no order that matters. */
  inspectAll(): Iterable<[string, HeldEntry]>
  /** Reads of each key since the last call, the many first, of those whose recipe is known. Counting starts anew. */
  takeReads(): { recipe: Recipe; namespace: string; reads: number }[]
}

/** An entry as the tier holds it. */
export interface HeldEntry {
  readonly entry: CacheEntry
  readonly bytes: number
  readonly recipe: Recipe | null
  /** Since they were last taken. */
  readonly reads: number
}

interface Slot {
  entry: CacheEntry
  keepUntil: number
  bytes: number
  recipe: Recipe | null
  /** Since they were last taken. */
  reads: number
}

/**
 * A memory tier over lru-cache. Its TTL is not used: that clock is reset by a timer which dies with the request that
 * started it, so in a Worker nothing would ever expire; expiry is done here, with the clock of the call.
 */
export class LruMemoryTier implements MemoryTier {
  readonly #lru: LRUCache<string, Slot>
  readonly #maxEntryBytes: number
  /** Keys of "not found" entries: their share is bounded, or made-up ids would push out what is really read. */
  readonly #absent: LRUCache<string, true>
  #evictions = 0
  #scan: Iterator<string> | null = null

  /** @param limits `evicted` hears of each entry that is dropped to make room */
  constructor(limits: { maxBytes: number; maxEntries: number; evicted?: (entry: CacheEntry) => void }) {
    this.#maxEntryBytes = Math.floor(limits.maxBytes * MAX_ENTRY_SHARE)
    this.#lru = new LRUCache({
      max: limits.maxEntries,
      maxSize: limits.maxBytes,
      sizeCalculation: (slot) => slot.bytes,
      dispose: (slot, key, reason) => {
        if (reason === 'evict') {
          this.#evictions++
          limits.evicted?.(slot.entry)
        }
        if (reason !== 'set') this.#absent.delete(key)
      },
    })
    this.#absent = new LRUCache({
      max: Math.max(1, Math.floor(limits.maxEntries * MAX_ABSENT_SHARE)),
      // After, since dropping the entry comes back here for the key that is just leaving.
      disposeAfter: (_true, key, reason) => {
        if (reason === 'evict') this.#lru.delete(key)
      },
    })
  }

  get entries(): number {
    return this.#lru.size
  }

  get bytes(): number {
    return this.#lru.calculatedSize
  }

  get evictions(): number {
    return this.#evictions
  }

  get(keyText: string): CacheEntry | undefined {
    const slot = this.#lru.get(keyText)
    if (slot === undefined) return undefined
    slot.reads++
    return slot.entry
  }

  set(
    keyText: string,
    entry: CacheEntry,
    keepUntil: number,
    now: number,
    recipe: Recipe | null = null,
  ): boolean {
    this.#dropExpired(now)
    const bytes = sizeOf(keyText, entry)
    if (bytes > this.#maxEntryBytes) {
      this.#lru.delete(keyText)
      return false
    }
    // First: it makes room by dropping another "not found", before the tier would drop what is read.
    if (entry.found) this.#absent.delete(keyText)
    else this.#absent.set(keyText, true)
    // The read that brought the entry counts as well.
    const reads = (this.#lru.peek(keyText)?.reads ?? 0) + 1
    this.#lru.set(keyText, { entry, keepUntil, bytes, recipe, reads })
    return true
  }

  delete(keyText: string): void {
    this.#lru.delete(keyText)
  }

  clear(): void {
    this.#lru.clear()
    this.#scan = null
  }

  *list(): Iterable<[string, CacheEntry]> {
    for (const [key, slot] of this.#lru.entries()) yield [key, slot.entry]
  }

  inspect(keyText: string): HeldEntry | undefined {
    return this.#lru.peek(keyText)
  }

  inspectAll(): Iterable<[string, HeldEntry]> {
    return this.#lru.entries()
  }

  takeReads(): { recipe: Recipe; namespace: string; reads: number }[] {
    const taken: { recipe: Recipe; namespace: string; reads: number }[] = []
    for (const slot of this.#lru.values()) {
      const { recipe, reads, entry } = slot
      // What is not there is not worth warming, however often it is asked for.
      if (recipe === null || reads === 0 || !entry.found) continue
      taken.push({ recipe, namespace: entry.namespace, reads })
      slot.reads = 0
    }
    return taken.sort((a, b) => b.reads - a.reads)
  }

  /** A bounded walk from the least recently used end, taken up again at the next insert. */
  #dropExpired(now: number): void {
    this.#scan ??= this.#lru.rkeys()
    let dropped = 0
    for (let step = 0; step < SCAN_STEPS && dropped < MAX_DROPPED; step++) {
      const { value, done } = this.#scan.next()
      if (done) {
        this.#scan = null
        return
      }
      const slot = this.#lru.peek(value)
      if (slot !== undefined && slot.keepUntil <= now) {
        this.#lru.delete(value)
        dropped++
      }
    }
  }
}

/** Bytes an entry takes, counted once. V8 keeps a string at one byte a character until one of them is over U+00FF. */
function sizeOf(keyText: string, entry: CacheEntry): number {
  let bytes = ENTRY_OVERHEAD_BYTES + keyText.length + entry.path.length + stringBytes(entry.text)
  for (const tag of entry.tags) bytes += tag.length + 24
  return bytes + (entry.canonical?.length ?? 0)
}

function stringBytes(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return text.length * 2
  return text.length
}
