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

/** The answer that an entry in memory makes of itself. */
export function hitOf<T>(
  entry: CacheEntry,
  now: number,
  upTo: number,
  parse: (json: unknown) => T,
): CacheResult<T> {
  return resultOf(entry, 'HIT', 'memory', now, NO_TIMING, upTo, parse)
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
