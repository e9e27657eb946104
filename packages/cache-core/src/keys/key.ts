import type { Recipe } from '../source.ts'
import { escapeSegment } from './escape.ts'
import { digest } from './hash.ts'
import { type Params, paramsSegment } from './params.ts'

/** KV refuses longer names (UTF-8 bytes). */
const MAX_KV_NAME_BYTES = 512
/** A longer namespace is hashed where its key is, so that the two hashes and the generation fit as well. */
const MAX_PLAIN_NAMESPACE_BYTES = 256

/** The id part of a key: one segment, several, or the parameters of a list after some segments. */
export type KeyId = string | readonly string[] | { path: readonly string[]; params: Params }

/** A built key. */
export interface CacheKey {
  namespace: string
  /** Without the version: what patterns are matched against. */
  path: string
  /** With the version: `{namespace}:{entity}:{id}:{version}`. */
  text: string
  /** The canonical parameters behind a hashed segment, null when nothing is hashed. A hit compares it. */
  canonical: string | null
  /** What it was made from, where that is known: what popularity is counted by, and warm jobs are made of. */
  recipe: Recipe | null
}

/**
 * Builds the key of an entry. No id can add a segment, a wildcard or leave its namespace.
 * @param parts `version` is `{CACHE_VERSION}.{policy version}`, without the `v`; `prefix` is what `prefixOf` said, where that is known
 */
export function buildKey(parts: {
  namespace: string
  entity: string
  id: KeyId
  version: string
  recipe?: Recipe | null
  prefix?: string
}): CacheKey {
  const { namespace, entity, id, version, recipe = null } = parts
  let path = parts.prefix ?? prefixOf(namespace, entity)
  let canonical: string | null = null
  if (typeof id === 'string') path += `:${escapeSegment(id)}`
  else if ('params' in id) {
    for (const segment of id.path) path += `:${escapeSegment(segment)}`
    const params = paramsSegment(id.params)
    path += `:${escapeSegment(params.segment)}`
    canonical = params.canonical
  } else for (const segment of id) path += `:${escapeSegment(segment)}`
  return { namespace, path, text: `${path}:v${version}`, canonical, recipe }
}

/** What all keys of an entity begin with. */
export function prefixOf(namespace: string, entity: string): string {
  return `${escapeSegment(namespace)}:${escapeSegment(entity)}`
}

/**
 * Takes a key apart again. Segments stay escaped.
 * @returns null for anything that `buildKey` cannot have made
 */
export function parseKey(
  text: string,
): { namespace: string; entity: string; id: string[]; version: string } | null {
  const segments = text.split(':')
  const version = segments.pop()
  const [namespace, entity, ...id] = segments
  if (!namespace || !entity || !version?.startsWith('v')) return null
  return { namespace, entity, id, version: version.slice(1) }
}

/**
 * Where KV keeps an entry: its key with the generation as the last part of the version, so that an invalidation moves it
 * to a name that no location holds an old copy of. Names over KV's 512 B are hashed; the value holds the whole key.
 */
export function kvName(key: CacheKey, generation: number): string {
  const name = `${key.text}.${generation}`
  if (utf8Length(name) <= MAX_KV_NAME_BYTES) return name
  const namespace = escapeSegment(key.namespace)
  const plain = utf8Length(namespace) <= MAX_PLAIN_NAMESPACE_BYTES ? namespace : `~${digest(namespace)}`
  return `${plain}:~${digest(key.text)}:v.${generation}`
}

/** Bytes of a well-formed string in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7ff) bytes += unit >= 0xd800 && unit <= 0xdfff ? 1 : 2
    else if (unit > 0x7f) bytes += 1
  }
  return bytes
}
