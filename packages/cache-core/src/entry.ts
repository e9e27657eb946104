import { digest } from './keys/hash.ts'
import type { CacheKey } from './keys/key.ts'
import { sizeOf } from './memory/size.ts'
import type { CacheConfig } from './policy.ts'

/** What a load brought: the value, as text, and between which positions of the log it was read. */
export interface Loaded {
  /** The value as JSON; `null` for not found. */
  text: string
  found: boolean
  label: string
  tags: readonly string[]
  /** Of the log that the stamps belong to. */
  epoch: string
  /** The log's head before the load: a lower bound of what the value has seen. */
  stamp: number
  /** The log's head after the load: an upper bound of it. */
  upTo: number
  /** Clock at the load, ms. Lifetime counts from here, whatever tier the entry is copied to. */
  loadedAt: number
}

/** A cached value with all that its validity depends on. Immutable, and holds text: no caller can change what another reads. */
export interface CacheEntry extends Loaded {
  namespace: string
  /** The key without its version. */
  path: string
  /** The canonical parameters behind a hashed key, else null. */
  canonical: string | null
  /** Clock at which its life ends, ms. */
  expiresAt: number
  /** Strong ETag of `text`. */
  etag: string
  /** Whether a warm job brought it, for the count of what warming gains. */
  warmed: boolean
  /** What it takes in memory, its key left out. Counted once, where the entry is made. */
  bytes: number
}

/** Jitter of lifetimes, so that what was loaded together does not expire together. */
const TTL_JITTER = 0.1

/**
 * @param random uniform in [0, 1): spreads the lifetime by ±10 %
 */
export function makeEntry(
  key: CacheKey,
  policy: CacheConfig,
  loaded: Loaded,
  random: number,
  warmed = false,
): CacheEntry {
  const lifeMs = policy.ttl * 1000 * (1 - TTL_JITTER + 2 * TTL_JITTER * random)
  return withSize({
    namespace: key.namespace,
    path: key.path,
    canonical: key.canonical,
    ...loaded,
    expiresAt: Math.floor(loaded.loadedAt + lifeMs),
    etag: etagOf(loaded.text),
    warmed,
  })
}

/**
 * Completes an entry. Each is made here, so that V8 knows of one layout only; what a hit looks at lies together.
 * @param held the string that its text was cut from, and keeps in memory. Default: the text itself
 */
export function withSize(entry: Omit<CacheEntry, 'bytes'>, held = entry.text): CacheEntry {
  const { canonical, text, warmed, found, namespace, path, etag, label, tags } = entry
  const { epoch, stamp, upTo, loadedAt, expiresAt } = entry
  return {
    canonical,
    text,
    warmed,
    found,
    namespace,
    path,
    etag,
    label,
    tags,
    epoch,
    stamp,
    upTo,
    loadedAt,
    expiresAt,
    bytes: sizeOf(entry, held),
  }
}

/** The strong ETag of a text (RFC 9110, section 8.8.3): 128 bits of its SHA-256. */
export function etagOf(text: string): string {
  return `"${digest(text)}"`
}

/** For how long past its life an entry still serves while it is loaded anew, ms. */
export function graceMs(policy: CacheConfig): number {
  return (policy.staleWhileRevalidateSeconds ?? 0) * 1000
}

/** The end of an entry's use: past its life it still serves while it is loaded anew, or while D1 fails, where the policy allows that. */
export function keepUntil(entry: CacheEntry, policy: CacheConfig): number {
  return entry.expiresAt + Math.max(graceMs(policy), policy.staleIfErrorSeconds * 1000)
}

/** The last part of a life, in which an entry that is read much is loaded anew, so that nobody has to wait when it ends. */
const RENEWAL_SHARE = 0.1

/**
 * When a hot entry is to be loaded anew.
 * @param draw uniform in [0, 1), one for each isolate: the first one to do it does it for the others, which find it in KV
 */
export function renewAt({ loadedAt, expiresAt }: CacheEntry, draw: number): number {
  return expiresAt - (expiresAt - loadedAt) * RENEWAL_SHARE * (1 - draw / 2)
}
