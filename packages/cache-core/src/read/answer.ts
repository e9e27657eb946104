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
  const { found, text, etag, label, expiresAt } = entry
  const ttlMs = outcome === 'STALE' ? 0 : Math.max(0, expiresAt - now)
  const bookmark = formatBookmark(entry.epoch, upTo)
  return {
    as: (parse) => ({
      outcome,
      source,
      found,
      text,
      value: materialise(entry, parse),
      etag,
      label,
      ttlMs,
      bookmark,
      timing,
    }),
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
