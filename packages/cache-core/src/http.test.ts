import { parseList } from 'structured-headers'
import { describe, expect, it } from 'vitest'
import { policyOf, posts, World } from '../test/world.ts'
import { asksForFresh, cacheHeaders, isNotModified, preconditionHolds } from './http.ts'
import type { CacheResult } from './read/types.ts'

function resultOf(overrides: Partial<CacheResult<unknown>> = {}): CacheResult<unknown> {
  return {
    outcome: 'HIT',
    source: 'memory',
    found: true,
    text: '1',
    value: () => 1,
    etag: '"abc"',
    label: '',
    ttlMs: 12_900,
    bookmark: 'feed.7',
    timing: {},
    ...overrides,
  }
}

describe('cacheHeaders', () => {
  it('tells where an answer comes from, and how to ask for it again', () => {
    expect(cacheHeaders(resultOf({ timing: { fence: 3 } }), policyOf())).toEqual({
      ETag: '"abc"',
      'Cache-Control': 'no-cache',
      'Cache-Status': 'freshet-memory;hit;ttl=12',
      'Server-Timing': 'cache;desc=memory, fence;dur=3',
      'X-Cache-Status': 'HIT',
      'X-Cache-Source': 'memory',
      'X-Cache-TTL': '12',
      'Cache-Bookmark': 'feed.7',
    })
  })

  it('has no bookmark where none is known', () => {
    expect(cacheHeaders(resultOf({ bookmark: null }), policyOf())).not.toHaveProperty('Cache-Bookmark')
  })

  it.each([
    ['a public answer', policyOf(), resultOf(), false, 'no-cache'],
    [
      'a public one that browsers may keep',
      policyOf({ browserMaxAgeSeconds: 30 }),
      resultOf(),
      false,
      'public, max-age=30',
    ],
    ['a private namespace', policyOf({ visibility: 'private' }), resultOf(), false, 'private, no-store'],
    [
      'a private namespace, whatever else its policy says',
      policyOf({ visibility: 'private', browserMaxAgeSeconds: 30 }),
      resultOf(),
      false,
      'private, no-store',
    ],
    [
      'a draft in a public one',
      policyOf({ browserMaxAgeSeconds: 30 }),
      resultOf(),
      true,
      'private, no-store',
    ],
    [
      'not found',
      policyOf({ browserMaxAgeSeconds: 30 }),
      resultOf({ found: false }),
      false,
      'private, no-store',
    ],
  ])('%s: Cache-Control', (_, policy, result, isPrivate, expected) => {
    expect(cacheHeaders(result, policy, isPrivate)['Cache-Control']).toBe(expected)
  })

  it('never says public of anything private, wherever it comes from', () => {
    for (const outcome of ['HIT', 'MISS', 'STALE', 'BYPASS'] as const) {
      for (const source of ['memory', 'kv', 'database'] as const) {
        for (const visibility of ['public', 'private'] as const) {
          const policy = policyOf({ visibility, browserMaxAgeSeconds: 60 })
          const headers = cacheHeaders(resultOf({ outcome, source }), policy, visibility === 'public')
          expect(headers['Cache-Control']).toBe('private, no-store')
        }
      }
    }
  })

  it.each([
    ['HIT', 'memory', true, 'freshet-memory;hit;ttl=12'],
    ['HIT', 'kv', true, 'freshet-kv;hit;ttl=12, freshet-memory;fwd=miss'],
    ['MISS', 'database', true, 'freshet-kv;fwd=miss, freshet-memory;fwd=miss'],
    ['MISS', 'database', false, 'freshet-memory;fwd=miss'],
    ['STALE', 'memory', true, 'freshet-memory;hit;detail=stale-if-error'],
    ['STALE', 'kv', true, 'freshet-kv;hit;detail=stale-if-error, freshet-memory;fwd=miss'],
    ['BYPASS', 'database', true, 'freshet-kv;fwd=bypass, freshet-memory;fwd=bypass'],
  ] as const)('%s from %s (KV: %s) is Cache-Status %s', (outcome, source, kvEnabled, status) => {
    const headers = cacheHeaders(resultOf({ outcome, source }), policyOf({ kvEnabled }))
    expect(headers['Cache-Status']).toBe(status)
    const members = parseList(status).map(([token]) => String(token))
    // RFC 9211: the cache nearest the origin comes first.
    expect(members).toEqual([...members].sort())
  })

  it('belongs to real answers', async () => {
    const world = new World()
    world.plant('1', 'first')
    const { cache, isolate } = world.isolate()
    const source = posts.at({ id: '1' })
    const miss = cacheHeaders(await cache.read(source), isolate.policy('content'))
    const hit = cacheHeaders(await cache.read(source), isolate.policy('content'))
    expect([miss['X-Cache-Status'], hit['X-Cache-Status']]).toEqual(['MISS', 'HIT'])
    expect([hit.ETag, hit['Cache-Bookmark']]).toEqual([miss.ETag, miss['Cache-Bookmark']])
    expect(miss['Server-Timing']).toMatch(/^cache;desc=database(, \w+;dur=\d+)+$/)
  })
})

describe('If-None-Match', () => {
  it.each([
    ['"abc"', true],
    ['W/"abc"', true],
    ['"x", "abc"', true],
    ['"x",W/"abc" , "y"', true],
    ['*', true],
    [' * ', true],
    ['"x"', false],
    ['abc', false],
    ['"abcd"', false],
    ['"a", "bc"', false],
    ['"x,\\"abc"', false],
    ['', false],
    [null, false],
    [undefined, false],
  ])('%j has "abc": %s', (header, expected) => {
    expect(isNotModified(header, '"abc"')).toBe(expected)
  })
})

describe('If-Match', () => {
  it.each([
    ['"abc"', '"abc"', true],
    ['"x", "abc"', '"abc"', true],
    ['*', '"abc"', true],
    ['*', null, false],
    ['"abc"', null, false],
    ['W/"abc"', '"abc"', false],
    ['"x"', '"abc"', false],
    ['', '"abc"', false],
  ])('%j holds for %j: %s', (header, etag, expected) => {
    expect(preconditionHolds(header, etag)).toBe(expected)
  })
})

describe('Cache-Control of a request', () => {
  it.each([
    ['no-cache', true],
    ['No-Cache', true],
    ['max-age=0, no-cache', true],
    ['no-cache-please', false],
    ['no-store', false],
    ['', false],
    [null, false],
    [undefined, false],
  ])('%j asks for a fresh answer: %s', (header, expected) => {
    expect(asksForFresh(header)).toBe(expected)
  })
})
