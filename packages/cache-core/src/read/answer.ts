import { type Bookmark, formatBookmark } from '../bookmark.ts'
import { type CacheEntry, etagOf } from '../entry.ts'
import type { Direct } from './loader.ts'
import type { CacheOutcome, CacheResult, CacheSource } from './types.ts'

/** An answer whose values have no type yet. */
export interface UntypedAnswer {
  as<T>(parse: (json: unknown) => T): CacheResult<T>
}

/**
 * The answer that an entry makes.
 * @param upTo the position that it hands out: at least the entry's own, and at least what its reader had seen
 */
export function answer(
  entry: CacheEntry,
  outcome: CacheOutcome,
  source: CacheSource,
  now: number,
  timing: CacheResult<unknown>['timing'],
  upTo: number = entry.upTo,
): UntypedAnswer {
  return { as: (parse) => resultOf(entry, outcome, source, now, timing, upTo, parse) }
}

/**
 * The position that an answer hands out. A client keeps the bookmark of its last answer alone, so this one must not take it back
 * behind the one that it sent: an old entry that is still valid is as good as the log's head. A position that the log has not
 * reached is nobody's.
 * @param head of the fence that called the entry valid
 */
export function upToFor(entry: CacheEntry, bookmark: Bookmark | null, head: number): number {
  if (bookmark === null || bookmark.epoch !== entry.epoch) return entry.upTo
  const seen = Math.min(bookmark.seq, head)
  return Math.max(entry.upTo, seen)
}

const NO_TIMING: CacheResult<unknown>['timing'] = Object.freeze({})

/** The answer that an entry in memory makes of itself. What few callers ask for is made when they do. */
export class Hit<T> implements CacheResult<T> {
  readonly text: string
  readonly #entry: CacheEntry
  readonly #now: number
  readonly #seen: number
  readonly #parse: (json: unknown) => T

  /** @param seen the position that its reader has seen, where it may be above the entry's own; else 0 */
  constructor(entry: CacheEntry, text: string, now: number, seen: number, parse: (json: unknown) => T) {
    this.#entry = entry
    this.text = text
    this.#now = now
    this.#seen = seen
    this.#parse = parse
  }

  get outcome(): CacheOutcome {
    return 'HIT'
  }

  get source(): CacheSource {
    return 'memory'
  }

  get found(): boolean {
    return this.#entry.found
  }

  value(): T | null {
    return this.#entry.found ? this.#parse(JSON.parse(this.text)) : null
  }

  get etag(): string {
    return this.#entry.etag
  }

  get label(): string {
    return this.#entry.label
  }

  get ttlMs(): number {
    return Math.max(0, this.#entry.expiresAt - this.#now)
  }

  get bookmark(): string {
    const { epoch, upTo } = this.#entry
    return formatBookmark(epoch, Math.max(upTo, this.#seen))
  }

  get timing(): CacheResult<unknown>['timing'] {
    return NO_TIMING
  }

  /** All that an answer has, as any other answer's fields come to. */
  toJSON(): Omit<CacheResult<T>, 'value'> {
    const { outcome, source, found, text, etag, label, ttlMs, bookmark, timing } = this
    return { outcome, source, found, text, etag, label, ttlMs, bookmark, timing }
  }

  /**
   * A promise of it. A field is looked at first, so that V8 knows this answer's shape when it makes the promise, wherever this is
   * called from: of any other object it looks `then` up along all prototypes, which takes a tenth of a hit.
   */
  promise(): Promise<CacheResult<T>> {
    void this.text
    return Promise.resolve(this)
  }
}

/**
 * Any other answer. A class as `Hit` is, so that `value` taken off its answer fails in the first test that tries it, and not on
 * the first hit.
 */
class Answer<T> implements CacheResult<T> {
  readonly outcome: CacheOutcome
  readonly source: CacheSource
  readonly found: boolean
  readonly text: string
  readonly etag: string
  readonly label: string
  readonly ttlMs: number
  readonly bookmark: string | null
  readonly timing: CacheResult<unknown>['timing']
  readonly #parse: (json: unknown) => T

  constructor(of: Omit<CacheResult<T>, 'value'>, parse: (json: unknown) => T) {
    this.outcome = of.outcome
    this.source = of.source
    this.found = of.found
    this.text = of.text
    this.etag = of.etag
    this.label = of.label
    this.ttlMs = of.ttlMs
    this.bookmark = of.bookmark
    this.timing = of.timing
    this.#parse = parse
  }

  value(): T | null {
    return this.found ? this.#parse(JSON.parse(this.text)) : null
  }
}

function resultOf<T>(
  { found, text, etag, label, expiresAt, epoch }: CacheEntry,
  outcome: CacheOutcome,
  source: CacheSource,
  now: number,
  timing: CacheResult<unknown>['timing'],
  upTo: number,
  parse: (json: unknown) => T,
): CacheResult<T> {
  const ttlMs = outcome === 'STALE' ? 0 : Math.max(0, expiresAt - now)
  const bookmark = formatBookmark(epoch, upTo)
  return new Answer({ outcome, source, found, text, etag, label, ttlMs, bookmark, timing }, parse)
}

/** The answer of a load that went past the cache. */
export function bypassed<T>(
  { found, text, label, bookmark }: Direct,
  parse: (json: unknown) => T,
  timing: CacheResult<unknown>['timing'],
): CacheResult<T> {
  const etag = etagOf(text)
  return new Answer(
    { outcome: 'BYPASS', source: 'database', found, text, etag, label, ttlMs: 0, bookmark, timing },
    parse,
  )
}
