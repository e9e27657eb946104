import { type Item, type Parameters, serializeList, Token } from 'structured-headers'
import type { CacheEntry } from './entry.ts'
import type { CacheConfig } from './policy.ts'
import { Hit } from './read/answer.ts'
import type { CacheResult } from './read/types.ts'

/** The header that carries a bookmark, in both directions. */
export const BOOKMARK_HEADER = 'Cache-Bookmark'

/**
 * The headers that an answer of the cache is sent with: `ETag`, `Cache-Control`, `Cache-Status` (RFC 9211),
 * `Server-Timing`, the bookmark, and the `X-Cache-*` ones for people.
 * @param policy of the value's namespace
 * @param isPrivate whether this answer is for its reader alone, though its namespace is public (a draft, say)
 */
export function cacheHeaders(
  result: CacheResult<unknown>,
  policy: CacheConfig,
  isPrivate = false,
): Record<string, string> {
  const headers: Record<string, string> = {
    ETag: result.etag,
    'Cache-Control': cacheControl(policy, isPrivate || !result.found),
    'Cache-Status': cacheStatus(result, policy),
    'Server-Timing': serverTiming(result),
    'X-Cache-Status': result.outcome,
    'X-Cache-Source': result.source,
    'X-Cache-TTL': String(Math.floor(result.ttlMs / 1000)),
  }
  if (result.bookmark !== null) headers[BOOKMARK_HEADER] = result.bookmark
  return headers
}

/**
 * The same for what `CacheService.peek` answered, to who sent no bookmark.
 * @param now the clock, ms
 */
export function hitHeaders(entry: CacheEntry, policy: CacheConfig, now: number): Record<string, string> {
  const hit = new Hit(entry, entry.text, now, 0, (json) => json)
  return cacheHeaders(hit, policy)
}

/**
 * `If-None-Match` (RFC 9110, section 13.1.2): compared weakly, so `W/` makes no difference.
 * @returns whether the client already has this representation
 */
export function isNotModified(ifNoneMatch: string | null | undefined, etag: string): boolean {
  if (!ifNoneMatch) return false
  if (ifNoneMatch.trim() === '*') return true
  return tagsIn(ifNoneMatch).some((tag) => tag.replace(/^W\//, '') === etag)
}

/**
 * `If-Match` (RFC 9110, section 13.1.1): compared strongly, so a weak tag never matches.
 * @param etag of the current representation, null when there is none
 */
export function preconditionHolds(ifMatch: string, etag: string | null): boolean {
  if (etag === null) return false
  return ifMatch.trim() === '*' || tagsIn(ifMatch).includes(etag)
}

/** Whether a request's `Cache-Control` asks for an answer checked with the origin (RFC 9111, section 5.2.1.4). */
export function asksForFresh(cacheControl: string | null | undefined): boolean {
  return (cacheControl ?? '').split(',').some((directive) => directive.trim().toLowerCase() === 'no-cache')
}

function tagsIn(list: string): string[] {
  return list.match(/(?:W\/)?"[^"]*"/g) ?? []
}

function cacheControl(policy: CacheConfig, isPrivate: boolean): string {
  if (isPrivate || policy.visibility === 'private') return 'private, no-store'
  const maxAge = policy.browserMaxAgeSeconds ?? 0
  return maxAge > 0 ? `public, max-age=${maxAge}` : 'no-cache'
}

/** One member a tier that was asked, the one nearest the origin first; a memory hit has asked no other. */
function cacheStatus(result: CacheResult<unknown>, policy: CacheConfig): string {
  const ttl = Math.floor(result.ttlMs / 1000)
  const hit = (): [string, true | number | Token][] =>
    result.outcome === 'STALE'
      ? [
          ['hit', true],
          ['detail', new Token('stale-if-error')],
        ]
      : [
          ['hit', true],
          ['ttl', ttl],
        ]
  if (result.source === 'memory') return serializeList([member('freshet-memory', hit())])
  const forward: [string, Token] = ['fwd', new Token(result.outcome === 'BYPASS' ? 'bypass' : 'miss')]
  const memory = member('freshet-memory', [forward])
  if (result.source === 'kv') return serializeList([member('freshet-kv', hit()), memory])
  return serializeList(policy.kvEnabled ? [member('freshet-kv', [forward]), memory] : [memory])
}

function member(name: string, parameters: [string, true | number | Token][]): Item {
  const map: Parameters = new Map(parameters)
  return [new Token(name), map]
}

function serverTiming({ timing, source }: CacheResult<unknown>): string {
  const parts = Object.entries(timing).map(([tier, ms]) => `${tier};dur=${ms}`)
  return [`cache;desc=${source}`, ...parts].join(', ')
}
