import { describe, expect, it } from 'vitest'
import { posts, World } from '../test/world.ts'
import { nameOf } from './keys/escape.ts'
import { cachePolicy, withoutMemory } from './policy.ts'

describe('the policy of a namespace', () => {
  it('is its own, or the default with the default lifetime, where nothing is public', () => {
    const { isolate } = new World().isolate({ env: { CACHE_DEFAULT_TTL: '120' } })
    expect(isolate.policy('content').staleIfErrorSeconds).toBe(3600)
    expect(isolate.policy('other')).toEqual(cachePolicy('other', { ttl: 120 }))
    expect(isolate.policy('other').visibility).toBe('private')
  })

  it.each(['constructor', '__proto__', 'toString'])('of %j is a default as well', (namespace) => {
    expect(new World().isolate().isolate.policy(namespace).ttl).toBe(3600)
  })

  it('has every Δ capped by the settings', () => {
    const { isolate } = new World().isolate({ env: { CACHE_MAX_STALENESS_MS: '2000' } })
    expect([isolate.policy('content').maxStalenessMs, isolate.policy('session').maxStalenessMs]).toEqual([
      2000, 1000,
    ])
  })

  it('of a consumer keeps nothing in memory', () => {
    const world = new World()
    const { isolate } = world.isolate({ configs: withoutMemory({ content: cachePolicy('content') }) })
    expect(isolate.policy('content')).toEqual(cachePolicy('content', { memoryEnabled: false }))
  })
})

describe('a key', () => {
  it('is the same whether it is built from parts or written out', () => {
    const { isolate } = new World().isolate({ env: { CACHE_VERSION: 'b2' } })
    for (const id of ['1', 'a:b', '*', '😀', '%']) {
      const built = isolate.keyOf({ namespace: 'content', entity: 'post', id })
      expect(isolate.keyAt(nameOf('content', 'post', id))).toEqual(built)
      expect(built.text).toBe(`${built.path}:vb2.1`)
    }
  })

  it('of a namespace that needs escaping has the policy of that namespace', () => {
    const { isolate } = new World().isolate({ configs: { 'a:b': cachePolicy('a:b', { version: 7 }) } })
    const built = isolate.keyOf({ namespace: 'a:b', entity: 'c', id: 'd' })
    expect(isolate.keyAt(nameOf('a:b', 'c', 'd'))).toEqual(built)
    expect(built.text).toBe('a%3Ab:c:d:v1.7')
  })

  it.each(['', 'content', ':content', '*', 'content:*', 'content:a*b'])('is none in %j', (path) => {
    expect(() => new World().isolate().isolate.keyAt(path)).toThrow(RangeError)
  })

  it('changes with the version of the cache and of the policy', async () => {
    const world = new World()
    world.plant('1', 'first')
    await world.isolate().cache.read(posts.at({ id: '1' }))
    await world.settle()
    const other = world.isolate({ env: { CACHE_VERSION: '2' } })
    expect((await other.cache.read(posts.at({ id: '1' }))).source).toBe('database')
  })
})

describe('the order of an isolate', () => {
  it('moves where the clock stands still', () => {
    const { isolate } = new World().isolate()
    expect([isolate.nextOrdinal(), isolate.nextOrdinal()]).toEqual([1, 2])
  })
})
