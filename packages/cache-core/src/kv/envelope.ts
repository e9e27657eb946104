import * as v from 'valibot'
import { type CacheEntry, etagOf, withSize } from '../entry.ts'
import { fingerprint } from '../keys/fingerprint.ts'
import { digest } from '../keys/hash.ts'
import type { CacheKey } from '../keys/key.ts'
import type { KvRecord } from '../ports.ts'

/** Of the envelope itself. Values of another schema are misses; policies carry the version of what is inside. */
const SCHEMA = 1

/**
 * The metadata of a value in KV (at most 1,024 B): enough for a sweep or an operator to judge it without the value.
 * Short names, since each is stored a million times: schema, epoch, stamp, upTo, expiresAt, etag, found, checksum of the text, seal.
 */
export const Metadata = v.object({
  s: v.literal(SCHEMA),
  e: v.string(),
  st: v.pipe(v.number(), v.integer(), v.minValue(0)),
  up: v.pipe(v.number(), v.integer(), v.minValue(0)),
  x: v.pipe(v.number(), v.integer()),
  t: v.string(),
  f: v.literal(true),
  /** Not in entries that an older version wrote. */
  k: v.optional(v.pipe(v.number(), v.integer())),
  c: v.string(),
})

/** The first line of a value: what has no bound and so no place in the metadata. */
const Header = v.object({
  path: v.string(),
  canonical: v.nullable(v.string()),
  tags: v.array(v.string()),
  label: v.string(),
  loadedAt: v.number(),
  warmed: v.optional(v.boolean(), false),
})

/** The metadata's fields as JSON. */
export type KvMetadata = v.InferOutput<typeof Metadata>

/** An entry as KV keeps it: a line of JSON, then the value's own text, which is never parsed on the way out. */
export function encodeEntry(entry: CacheEntry): { value: string; metadata: KvMetadata } {
  const { path, canonical, tags, label, loadedAt, warmed } = entry
  const header = JSON.stringify({ path, canonical, tags, label, loadedAt, ...(warmed && { warmed }) })
  const about = {
    s: SCHEMA,
    e: entry.epoch,
    st: entry.stamp,
    up: entry.upTo,
    x: entry.expiresAt,
    t: entry.etag,
    f: true,
    k: fingerprint(entry.text),
  } as const
  return { value: `${header}\n${entry.text}`, metadata: { ...about, c: sealOf(about, header) } }
}

/**
 * A checksum of all but the text: another stamp or tag would make an invalid entry valid. The text has one of its own, against damage:
 * to take its etag anew, half a millisecond of a page of 80 KB, would be the most that a read from KV does. That one is not sealed, so
 * that a version which does not know of it can read the entry: a wrong one makes garbage of it, and without one the etag tells.
 */
function sealOf({ e, st, up, x, t }: Omit<KvMetadata, 'c' | 'k'>, header: string): string {
  return digest([e, st, up, x, t, header].join('\n'))
}

/** The canonical parameters that a value says it is of, for who has only its key, in which they are hashed. */
export function canonicalIn(value: string): string | null {
  const line = value.slice(0, Math.max(0, value.indexOf('\n')))
  const header = v.safeParse(v.pipe(v.string(), v.parseJson(), Header), line)
  return header.success ? header.output.canonical : null
}

/**
 * Reads an envelope back and trusts nothing in it: a wrong schema, key or checksum is a miss.
 * @returns `absent` when there is no value, `garbage` when it is not one of ours for this key
 */
export function decodeEntry(key: CacheKey, record: KvRecord): CacheEntry | 'absent' | 'garbage' {
  if (record.value === null) return 'absent'
  const metadata = v.safeParse(Metadata, record.metadata)
  const end = record.value.indexOf('\n')
  if (!metadata.success || end < 0) return 'garbage'
  const line = record.value.slice(0, end)
  if (metadata.output.c !== sealOf(metadata.output, line)) return 'garbage'
  const header = v.safeParse(v.pipe(v.string(), v.parseJson(), Header), line)
  if (!header.success) return 'garbage'
  const { path, canonical, tags, label, loadedAt, warmed } = header.output
  const text = record.value.slice(end + 1)
  const { e: epoch, st: stamp, up: upTo, x: expiresAt, t: etag, f: found, k: checksum } = metadata.output
  const isWhole = checksum === undefined ? etagOf(text) === etag : fingerprint(text) === checksum
  if (path !== key.path || canonical !== key.canonical || !isWhole) return 'garbage'
  return withSize(
    {
      namespace: key.namespace,
      path,
      canonical,
      text,
      found,
      label,
      tags,
      epoch,
      stamp,
      upTo,
      loadedAt,
      expiresAt,
      etag,
      warmed,
    },
    // Of which the text is a slice, for V8 as well.
    record.value,
  )
}
