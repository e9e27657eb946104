import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyText, wellFormedText } from '../../test/arbitraries.ts'
import { fromKv } from '../../test/from-kv.ts'
import { type CacheEntry, etagOf, withSize } from '../entry.ts'
import { digest } from '../keys/hash.ts'
import { buildKey } from '../keys/key.ts'
import { decodeEntry, encodeEntry } from './envelope.ts'

const key = buildKey({ namespace: 'content', entity: 'post', id: '1', version: '1.1' })

function entryOf(overrides: Partial<CacheEntry> = {}): CacheEntry {
  const text = overrides.text ?? '{"id":"1"}'
  return withSize({
    namespace: key.namespace,
    path: key.path,
    canonical: null,
    text,
    found: true,
    label: 'published',
    tags: ['user:profile:7'],
    epoch: 'feed',
    stamp: 7,
    upTo: 9,
    loadedAt: 1_700_000_000_000,
    expiresAt: 1_700_003_600_000,
    warmed: false,
    etag: etagOf(text),
    ...overrides,
  })
}

const anyEntry = fc
  .record({
    text: fc.json(),
    label: anyText,
    tags: fc.array(anyText, { maxLength: 4 }),
    epoch: wellFormedText,
    stamp: fc.nat(),
    upTo: fc.nat(),
    loadedAt: fc.nat(),
    expiresAt: fc.nat(),
  })
  .map(entryOf)

/** A text with one thing about it changed. */
const mutation = fc.record({ at: fc.nat(), cut: fc.nat(3), insert: fc.string({ maxLength: 3 }) })
const mutate = (text: string, { at, cut, insert }: { at: number; cut: number; insert: string }) => {
  const place = at % (text.length + 1)
  return text.slice(0, place) + insert + text.slice(place + cut)
}

describe('an envelope', () => {
  it('comes back as the entry that it was made from', () => {
    fc.assert(
      fc.property(anyEntry, (entry) => {
        const { value, metadata } = encodeEntry(entry)
        expect(decodeEntry(key, { value, metadata: JSON.parse(JSON.stringify(metadata)) })).toEqual(
          fromKv(entry),
        )
      }),
    )
  })

  it('has an entry take as much memory as the value that its text is a slice of', () => {
    const bytesOf = (entry: CacheEntry) => {
      const { value, metadata } = encodeEntry(entry)
      const decoded = decodeEntry(key, { value, metadata })
      return { value, bytes: typeof decoded === 'string' ? Number.NaN : decoded.bytes }
    }
    const entry = entryOf()
    const { value, bytes } = bytesOf(entry)
    expect(bytes - entry.bytes).toBe(value.length - entry.text.length)
    // One character over U+00FF in its first line has V8 keep two bytes for each one of all.
    const wide = bytesOf({ ...entry, label: `Ā${entry.label}` })
    expect(wide.bytes - entry.bytes).toBe(2 * wide.value.length - entry.text.length)
  })

  it('changed anywhere in its value is garbage, or what it was', () => {
    fc.assert(
      fc.property(anyEntry, mutation, (entry, change) => {
        const { value, metadata } = encodeEntry(entry)
        const mutated = mutate(value, change)
        const decoded = decodeEntry(key, { value: mutated, metadata })
        if (mutated === value) expect(decoded).toEqual(fromKv(entry))
        else expect(decoded).toBe('garbage')
      }),
      { numRuns: 500 },
    )
  })

  it('changed anywhere in its metadata is garbage, or what it was', () => {
    fc.assert(
      fc.property(anyEntry, mutation, (entry, change) => {
        const { value, metadata } = encodeEntry(entry)
        let mutated: unknown
        try {
          mutated = JSON.parse(mutate(JSON.stringify(metadata), change))
        } catch {
          mutated = null
        }
        const decoded = decodeEntry(key, { value, metadata: mutated })
        if (decoded !== 'garbage') expect(decoded).toEqual(fromKv(entry))
      }),
      { numRuns: 500 },
    )
  })

  it.each(['s', 'e', 'st', 'up', 'x', 't', 'f', 'c'])('is garbage with another or no %s', (field) => {
    const { value, metadata } = encodeEntry(entryOf())
    const { [field]: own, ...rest } = metadata as Record<string, unknown>
    const others = [undefined, null, -1, 1.5, 'x', false, typeof own === 'number' ? own + 1 : `${own}0`]
    for (const other of others) {
      expect(decodeEntry(key, { value, metadata: { ...rest, [field]: other } })).toBe('garbage')
    }
    expect(decodeEntry(key, { value, metadata: rest })).toBe('garbage')
  })

  it('without a checksum of its text, as an older version wrote it, is known by its etag', () => {
    const entry = entryOf()
    const { value, metadata } = encodeEntry(entry)
    const { k: _, ...older } = metadata
    expect(decodeEntry(key, { value, metadata: older })).toEqual(fromKv(entry))
    expect(decodeEntry(key, { value: `${value} `, metadata: older })).toBe('garbage')
  })

  it('is sealed as an older version reads it', () => {
    const { value, metadata } = encodeEntry(entryOf())
    const { e, st, up, x, t, c } = metadata
    expect(c).toBe(digest([e, st, up, x, t, value.slice(0, value.indexOf('\n'))].join('\n')))
  })

  it('is garbage with another checksum of its text', () => {
    const { value, metadata } = encodeEntry(entryOf())
    for (const k of [null, -1, 1.5, 'x', false, (metadata.k ?? 0) + 1])
      expect(decodeEntry(key, { value, metadata: { ...metadata, k } })).toBe('garbage')
  })

  it('of another key is garbage: a KV name may be a hash', () => {
    const { value, metadata } = encodeEntry(entryOf())
    const other = buildKey({ namespace: 'content', entity: 'post', id: '2', version: '1.1' })
    expect(decodeEntry(other, { value, metadata })).toBe('garbage')
    expect(decodeEntry({ ...key, canonical: 'q=1' }, { value, metadata })).toBe('garbage')
  })

  it('without a value is absent; with one of somebody else it is garbage', () => {
    expect(decodeEntry(key, { value: null, metadata: null })).toBe('absent')
    expect(decodeEntry(key, { value: '{"data":1}', metadata: null })).toBe('garbage')
    expect(decodeEntry(key, { value: '', metadata: encodeEntry(entryOf()).metadata })).toBe('garbage')
  })

  it('has metadata under 1,024 B, however long its inputs are', () => {
    const long = 'é"\\'.repeat(2000)
    const entry = entryOf({
      path: long,
      canonical: long,
      label: long,
      tags: Array(100).fill(long),
      text: `"${'x'.repeat(100_000)}"`,
    })
    const extremes = { stamp: Number.MAX_SAFE_INTEGER, upTo: Number.MAX_SAFE_INTEGER, epoch: 'f'.repeat(64) }
    const { metadata } = encodeEntry({ ...entry, ...extremes })
    expect(new TextEncoder().encode(JSON.stringify(metadata)).length).toBeLessThanOrEqual(1024)
  })

  it('keeps the value as the text that it was, unparsed', () => {
    const text = '{"b":1,"a":[1.0,"\\u00e9"]}'
    expect(encodeEntry(entryOf({ text })).value.endsWith(`\n${text}`)).toBe(true)
  })
})
