import * as v from 'valibot'
import type { Isolate } from '../isolate.ts'
import { unescapeSegment } from '../keys/escape.ts'
import { Metadata } from '../kv/envelope.ts'
import type { KeyValueStore } from '../ports.ts'
import { verdict } from './decision.ts'

/** One key of a tier, for people. Times are clocks, ms; null is what the tier does not tell. */
export interface BrowsedKey {
  /** Null where KV has only a hash of it. */
  key: string | null
  text: string | null
  namespace: string
  version: string | null
  /** Whether a reader would be given it: of the version that is read now and, in KV, of the generation. */
  isCurrent: boolean
  isPrivate: boolean
  /** In KV. */
  name: string | null
  generation: number | null
  verdict: string
  stamp: number
  upTo: number
  found: boolean
  bytes: number | null
  reads: number | null
  loadedAt: number | null
  ageMs: number | null
  expiresAt: number
  remainingMs: number
}

/** A page, and what to ask for to go on; null at the end. */
export interface BrowsedPage {
  items: BrowsedKey[]
  next: string | null
  /** How many there are in all; null where nobody knows. */
  total: number | null
}

/** Which keys: those that begin so, from some place on. */
export interface BrowseQuery {
  prefix: string
  limit: number
  cursor?: string | undefined
}

/** Where a name in KV ends with version and generation; over 512 bytes it is a hash of the key. */
const NAME = /^(.+):v([A-Za-z0-9_-]{1,32}\.\d+)\.(\d{1,15})$/s
const HASHED_NAME = /^([^:]+):~[0-9a-f]+:v\.(\d{1,15})$/

/** The keys that this isolate's memory holds, by their text. Nothing is counted as read. */
export function browseMemory(isolate: Isolate, { prefix, limit, cursor }: BrowseQuery): BrowsedPage {
  const { runtime } = isolate
  const now = runtime.now()
  const all = [...isolate.memory.inspectAll()]
    .map(([path, held]) => ({ text: isolate.textOf(path), held }))
    .filter(({ text }) => text.startsWith(prefix))
  const rest = all
    .filter(({ text }) => cursor === undefined || text > cursor)
    .sort((a, b) => (a.text < b.text ? -1 : 1))
  const items = rest.slice(0, limit).map(({ text, held: { entry, bytes, reads } }): BrowsedKey => {
    const policy = isolate.policy(entry.namespace)
    const { path, namespace, stamp, upTo, found, loadedAt, expiresAt } = entry
    const need = { ...ANY_TIME, startedAt: now, maxStalenessMs: policy.maxStalenessMs }
    return {
      key: path,
      text,
      namespace,
      version: text.slice(path.length + 2),
      // Memory holds what this isolate has loaded, and that has one version of each key.
      isCurrent: true,
      isPrivate: policy.visibility === 'private',
      name: null,
      generation: null,
      verdict: verdict(entry, now < expiresAt, isolate.fence, need),
      stamp,
      upTo,
      found,
      bytes,
      reads,
      loadedAt,
      ageMs: now - loadedAt,
      expiresAt,
      remainingMs: Math.max(0, expiresAt - now),
    }
  })
  const last = rest.length > limit ? items.at(-1) : undefined
  return { items, next: last?.text ?? null, total: all.length }
}

/** Of no place in the isolate's order, with no bookmark. */
const ANY_TIME = { ordinal: Number.POSITIVE_INFINITY, minSeq: 0 }

/**
 * A page of KV's names, judged by what its listing tells: no tags, no sizes. One operation.
 * @throws whatever KV throws
 */
export async function browseKv(
  isolate: Isolate,
  kv: KeyValueStore,
  { prefix, limit, cursor }: BrowseQuery,
): Promise<BrowsedPage> {
  const page = await kv.list({ prefix, limit, cursor: cursor ?? null })
  const items = page.keys.flatMap(({ name, metadata }) => kvKey(isolate, name, metadata) ?? [])
  return { items, next: page.list_complete ? null : page.cursor, total: null }
}

/** @returns null for what is no entry, such as the fence's snapshot */
function kvKey(isolate: Isolate, name: string, metadata: unknown): BrowsedKey | null {
  const about = v.safeParse(Metadata, metadata)
  const [, path, version, place] = NAME.exec(name) ?? []
  const [, hashedIn, hashedPlace] = path === undefined ? (HASHED_NAME.exec(name) ?? []) : []
  if (!about.success || (path === undefined && hashedIn === undefined)) return null
  // Whatever else somebody keeps under a name like ours.
  if (path !== undefined && (path.includes('*') || path.indexOf(':') < 1)) return null
  const { fence, runtime } = isolate
  const now = runtime.now()
  const namespace = unescapeSegment(hashedIn ?? path?.slice(0, path.indexOf(':')) ?? '')
  const policy = isolate.policy(namespace)
  const { e: epoch, st: stamp, up: upTo, x: expiresAt } = about.output
  const need = { ...ANY_TIME, startedAt: now, maxStalenessMs: policy.maxStalenessMs }
  const generation = Number(place ?? hashedPlace)
  const text = path === undefined ? null : `${path}:v${version}`
  return {
    key: path ?? null,
    text,
    namespace,
    version: version ?? null,
    isCurrent: path !== undefined && text === isolate.textOf(path) && generation === fence.generation(path),
    isPrivate: policy.visibility === 'private',
    name,
    generation,
    // A hashed name says nothing of what matches it.
    verdict: verdict({ path: path ?? '', tags: [], epoch, stamp }, now < expiresAt, fence, need),
    stamp,
    upTo,
    found: true,
    bytes: null,
    reads: null,
    loadedAt: null,
    ageMs: null,
    expiresAt,
    remainingMs: Math.max(0, expiresAt - now),
  }
}
