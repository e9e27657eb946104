/** What a caller may ask of one read. */
export interface ReadOptions {
  /** Δ of this read in ms; at most the policy's. 0 asks D1 whether the value is still valid. */
  maxStalenessMs?: number
  /** A `Cache-Bookmark`: the answer is never older than the state that handed it out. Anything unreadable is ignored. */
  bookmark?: string | null | undefined
  /** A value whose life ends within this counts as a miss, ms: for loading ahead of the expiry. Default 0. */
  minLifeMs?: number | undefined
}

/** The tier that an answer came from. */
export type CacheSource = 'memory' | 'kv' | 'database'

/** How it was found: valid in a tier, loaded, served past its validity while D1 fails, or read past the cache. */
export type CacheOutcome = 'HIT' | 'MISS' | 'STALE' | 'BYPASS'

/** The answer of a read. */
export interface CacheResult<T> {
  outcome: CacheOutcome
  source: CacheSource
  found: boolean
  /** The value as JSON text, `null` for not found: the same bytes for the same value. */
  text: string
  /** The value, parsed anew at each call: what a caller does to it, nobody else sees. Null when not found. To be called on the answer. */
  value(): T | null
  /** Strong ETag of `text`, with its quotes. */
  etag: string
  /** The source's label of the value; empty when it has none or was not found. */
  label: string
  /** Remaining life in ms; 0 for stale and bypassed ones. */
  ttlMs: number
  /** What this answer was current at; sent as `Cache-Bookmark`. Null when no epoch is known. */
  bookmark: string | null
  /** Milliseconds waited for each tier, where it was asked. */
  timing: { kv?: number; fence?: number; db?: number }
}
