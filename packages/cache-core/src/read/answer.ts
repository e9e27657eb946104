import { formatBookmark } from '../bookmark.ts'
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

const NO_TIMING: CacheResult<unknown>['timing'] = Object.freeze({})

/** The answer that an entry in memory makes of itself. What few callers ask for is made when they do. */
export class Hit<T> implements CacheResult<T> {
  readonly #entry: CacheEntry
  readonly #text: string
  readonly #now: number
  readonly #seen: number
  readonly #parse: (json: unknown) => T

  /** @param seen the position that its reader has seen, where it may be above the entry's own; else 0 */
  constructor(entry: CacheEntry, text: string, now: number, seen: number, parse: (json: unknown) => T) {
    this.#entry = entry
    this.#text = text
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

  get text(): string {
    return this.#text
  }

  value(): T | null {
    return this.#entry.found ? this.#parse(JSON.parse(this.#text)) : null
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
}

function resultOf<T>(
  entry: CacheEntry,
  outcome: CacheOutcome,
  source: CacheSource,
  now: number,
  timing: CacheResult<unknown>['timing'],
  upTo: number,
  parse: (json: unknown) => T,
): CacheResult<T> {
  const { found, text, etag, label, expiresAt, epoch } = entry
  return {
    outcome,
    source,
    found,
    text,
    value: materialise(entry, parse),
    etag,
    label,
    ttlMs: outcome === 'STALE' ? 0 : Math.max(0, expiresAt - now),
    bookmark: formatBookmark(epoch, upTo),
    timing,
  }
}

/** The answer of a load that went past the cache. */
export function bypassed<T>(
  loaded: Direct,
  parse: (json: unknown) => T,
  timing: CacheResult<unknown>['timing'],
): CacheResult<T> {
  return {
    outcome: 'BYPASS',
    source: 'database',
    found: loaded.found,
    text: loaded.text,
    value: materialise(loaded, parse),
    etag: etagOf(loaded.text),
    label: loaded.label,
    ttlMs: 0,
    bookmark: loaded.bookmark,
    timing,
  }
}

function materialise<T>(of: { found: boolean; text: string }, parse: (json: unknown) => T): () => T | null {
  return () => (of.found ? parse(JSON.parse(of.text)) : null)
}
