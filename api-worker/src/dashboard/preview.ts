import { matches, PatternError, parsePattern } from '@freshet/cache-core'
import * as v from 'valibot'
import type { PageContext } from './page.tsx'
import { withQuery } from './paths.ts'

/** What a pattern would match, as far as this isolate can tell. */
export type PreviewResult =
  | { ok: false; error: string }
  | {
      ok: true
      memory: MemoryMatches
      /** Null while KV does not answer. */
      kv: { found: number; seen: number; isAll: boolean; keys: string[] } | null
      /** Of what matches. */
      namespaces: string[]
    }

export interface MemoryMatches {
  byKey: number
  /** Of those whose key does not match. */
  byTag: number
  total: number
  /** The first of them. */
  keys: string[]
  namespaces: string[]
}

const EXAMPLES = 12
const LISTED = 1000

const Listing = v.object({
  items: v.array(v.object({ key: v.nullable(v.string()), namespace: v.string() })),
  next: v.nullable(v.string()),
})

/** Tries a pattern on this isolate's memory and on one page of KV's names. Sends nothing. */
export async function preview({ c, inner }: PageContext, pattern: string): Promise<PreviewResult> {
  try {
    parsePattern(pattern)
  } catch (error) {
    if (error instanceof PatternError) return { ok: false, error: error.message }
    throw error
  }
  const memory = matchesIn(pattern, entriesOf(c.get('setup').isolate.memory.list()))
  const listed = await inner.get(
    c,
    withQuery('/browser', { tier: 'kv', prefix: fixedPart(pattern), limit: LISTED }),
    Listing,
  )
  const found = listed.ok ? listed.data.items.filter(({ key }) => key !== null && matches(pattern, key)) : []
  return {
    ok: true,
    memory,
    kv: listed.ok
      ? {
          found: found.length,
          seen: listed.data.items.length,
          isAll: listed.data.next === null,
          keys: found.slice(0, EXAMPLES).flatMap(({ key }) => key ?? []),
        }
      : null,
    namespaces: [...new Set([...memory.namespaces, ...found.map(({ namespace }) => namespace)])].sort(),
  }
}

function* entriesOf<T>(list: Iterable<[string, T]>): Generator<T> {
  for (const [, entry] of list) yield entry
}

/** Counts what a pattern matches, by key or else by tag. */
export function matchesIn(
  pattern: string,
  entries: Iterable<{ path: string; namespace: string; tags: readonly string[] }>,
): MemoryMatches {
  const result: MemoryMatches = { byKey: 0, byTag: 0, total: 0, keys: [], namespaces: [] }
  for (const { path, namespace, tags } of entries) {
    result.total++
    if (matches(pattern, path)) result.byKey++
    else if (tags.some((tag) => matches(pattern, tag))) result.byTag++
    else continue
    if (result.keys.length < EXAMPLES) result.keys.push(path)
    if (!result.namespaces.includes(namespace)) result.namespaces.push(namespace)
  }
  return result
}

/** What all names begin with that a pattern matches. */
export function fixedPart(pattern: string): string {
  const wild = pattern.indexOf('*')
  return wild === -1 ? pattern : pattern.slice(0, wild)
}
