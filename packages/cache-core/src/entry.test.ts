import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { policyOf } from '../test/world.ts'
import { etagOf, keepUntil, makeEntry } from './entry.ts'
import { buildKey } from './keys/key.ts'

const key = buildKey({ namespace: 'content', entity: 'post', id: '1', version: '1.1' })
const loaded = {
  text: '1',
  found: true,
  label: '',
  tags: [],
  epoch: 'feed',
  stamp: 3,
  upTo: 4,
  loadedAt: 10_000,
}

describe('an entry', () => {
  it('lives from its load for its policy’s time, ten per cent more or less', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random) => {
        const { expiresAt } = makeEntry(key, policyOf({ ttl: 100 }), loaded, random)
        expect(expiresAt).toBeGreaterThanOrEqual(10_000 + 90_000)
        expect(expiresAt).toBeLessThanOrEqual(10_000 + 110_000)
      }),
    )
    expect(makeEntry(key, policyOf({ ttl: 100 }), loaded, 0).expiresAt).toBe(100_000)
  })

  it('is kept past its life for as long as it may be served while D1 fails', () => {
    const entry = makeEntry(key, policyOf({ ttl: 100 }), loaded, 0.5)
    expect(keepUntil(entry, policyOf())).toBe(entry.expiresAt)
    expect(keepUntil(entry, policyOf({ staleIfErrorSeconds: 60 }))).toBe(entry.expiresAt + 60_000)
  })

  it('has a strong ETag of its text', () => {
    expect(etagOf('1')).toMatch(/^"[0-9a-f]{32}"$/)
    expect(makeEntry(key, policyOf(), loaded, 0.5).etag).toBe(etagOf('1'))
    expect(etagOf('{"q":"Aa"}')).not.toBe(etagOf('{"q":"BB"}'))
  })
})
