import type { CacheEntry } from '../entry.ts'
import type { Recipe } from '../source.ts'
import type { Histogram } from '../statistics/histogram.ts'
import type { Fifo } from './fifo.ts'

/** An entry as memory holds it. To be looked at and let go: the key's next entry takes its place. */
export interface HeldEntry {
  readonly entry: CacheEntry
  /** Of the entry: nearer at hand. */
  readonly text: string
  readonly bytes: number
  readonly recipe: Recipe | null
  /** Since they were last taken. */
  readonly reads: number
}

/** What all hits on entries of a kind share: of one namespace, and brought by a warm job or not. */
export interface HitTerms {
  /** Up to which age the fence needs no looking at, ms. */
  readonly quietMs: number
  /** Where they are counted. */
  readonly ages: Histogram
}

/**
 * The place of one key in memory. What a hit needs comes first, then what an eviction looks at, each side by side: they are in few
 * lines of the processor's cache, which is what both take their time for.
 */
export class Slot implements HeldEntry {
  /** Of the entry, as `canonical`: what a hit needs of it, so that it has to look at one object only. */
  text: string
  entry: CacheEntry
  canonical: string | null
  /** Null until somebody asks for them, or for `renewAt`, which is noted with them. */
  terms: HitTerms | null = null
  /** The fence's `changes` at which the entry was last found valid; -1 for never. */
  validAt = -1
  /** When the entry may have to be loaded anew, ms since the isolate's `beganAt`: for some weeks V8 keeps it unboxed. Never too late. */
  renewAt = 0
  /** `hits` at which the next one is to be verified; 0 until somebody asks. */
  dueAt = 0
  /** Reads of the key since it came in. A hit writes this alone: who else counts remembers how far it has looked. */
  hits = 1
  /** Of `hits`, those that eviction has weighed. The read that brought the entry is popularity's alone. */
  weighed = 1
  /** The queue that it stands in, and its neighbours there. */
  queue: Fifo | null = null
  before: Slot | null = null
  after: Slot | null = null
  key: string
  bytes: number
  /** Of the key, 30 bits; -1 until somebody asks. */
  hash = -1
  /** Of the entry, for when it leaves: it may not have been looked at for long. */
  namespace: string
  /** Times that it may yet pass the queue's end. */
  credit = 0
  /** Its place in the order of arrivals. */
  arrival = 0
  /** When the entry is of no more use, ms since the tier's first set. */
  endsAt: number
  recipe: Recipe | null
  /** Of `hits`, those that popularity has taken. */
  taken = 0

  constructor(key: string, entry: CacheEntry, endsAt: number, recipe: Recipe | null) {
    this.text = entry.text
    this.canonical = entry.canonical
    this.key = key
    this.namespace = entry.namespace
    this.entry = entry
    this.bytes = key.length + entry.bytes
    this.endsAt = endsAt
    this.recipe = recipe
  }

  get reads(): number {
    return this.hits - this.taken
  }

  /** Takes another entry of its key in. */
  hold(entry: CacheEntry, endsAt: number, recipe: Recipe | null): void {
    this.entry = entry
    this.text = entry.text
    this.canonical = entry.canonical
    this.namespace = entry.namespace
    this.validAt = -1
    this.terms = null
    this.bytes = this.key.length + entry.bytes
    this.endsAt = endsAt
    this.recipe = recipe
  }
}
