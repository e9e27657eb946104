import { ManualRuntime, MemoryKv } from '@freshet/test-support'
import { describe, expect, it } from 'vitest'
import { fromKv } from '../../test/from-kv.ts'
import { policyOf } from '../../test/world.ts'
import { makeEntry } from '../entry.ts'
import { buildKey } from '../keys/key.ts'
import type { LocationCache } from '../ports.ts'
import { Stats } from '../stats.ts'
import { KvTier } from './kv-tier.ts'
import { type CacheApi, fromText, sharedByLocation, toText } from './location.ts'

/** What one location holds. */
class Location implements LocationCache {
  readonly texts = new Map<string, { text: string; seconds: number }>()
  before: (() => Promise<void> | void) | null = null

  async match(name: string) {
    await this.before?.()
    return this.texts.get(name)?.text ?? null
  }

  async put(name: string, text: string, seconds: number) {
    await this.before?.()
    this.texts.set(name, { text, seconds })
  }
}

function bench() {
  const runtime = new ManualRuntime()
  const kv = new MemoryKv(runtime.now)
  const location = new Location()
  const key = buildKey({ namespace: 'content', entity: 'post', id: '1', version: '1.1' })
  const isolate = (where: LocationCache | null = location) => {
    const stats = new Stats()
    const tier = new KvTier(runtime, stats, 500, where)
    const behind: Promise<unknown>[] = []
    return {
      stats,
      tier,
      get: async (policy = policyOf()) => {
        const entry = await tier.get(kv, key, 0, policy, (promise) => behind.push(promise))
        await Promise.all(behind)
        return entry
      },
      put: (policy = policyOf(), change = {}) => tier.put(kv, key, 0, { ...entry(), ...change }, policy),
    }
  }
  const entry = () => {
    const loaded = { text: '"x"', found: true, label: '', tags: ['a:b'], epoch: 'feed', stamp: 1, upTo: 1 }
    return makeEntry(key, policyOf(), { ...loaded, loadedAt: runtime.now() }, 0.5)
  }
  return { runtime, kv, location, isolate, entry, key }
}

describe('an entry that isolates of a location share', () => {
  it('is found by another one before KV shows it, as it was put', async () => {
    const { kv, isolate, entry } = bench()
    await isolate().put()
    kv.entries.clear()
    const other = isolate()
    expect(await other.get()).toEqual(fromKv(entry()))
    expect([kv.reads, other.stats.kv]).toEqual([0, { ...other.stats.kv, reads: 0, shared: 1 }])
    expect(await isolate(new Location()).get()).toBeNull()
  })

  it('is put there by whoever had to ask KV', async () => {
    const { kv, location, isolate, entry } = bench()
    await isolate(null).put()
    expect(location.texts.size).toBe(0)
    expect(await isolate().get()).toEqual(fromKv(entry()))
    expect(await isolate().get()).toEqual(fromKv(entry()))
    expect(kv.reads).toBe(1)
  })

  it('lives five minutes there, and no longer than it does', async () => {
    const { location, isolate, runtime } = bench()
    const secondsOf = async (lifeMs: number) => {
      location.texts.clear()
      await isolate().put(policyOf(), { expiresAt: runtime.now() + lifeMs })
      return [...location.texts.values()].map(({ seconds }) => seconds)
    }
    expect(await secondsOf(3600_000)).toEqual([300])
    expect(await secondsOf(42_500)).toEqual([42])
    expect(await secondsOf(500)).toEqual([])
  })

  it('is nothing private', async () => {
    const { location, isolate } = bench()
    const one = isolate()
    await one.put(policyOf({ visibility: 'private' }))
    expect((await one.get(policyOf({ visibility: 'private' })))?.text).toBe('"x"')
    expect(location.texts.size).toBe(0)
  })

  it('is a matter of KV when the location has garbage, or another key’s entry', async () => {
    const { kv, location, isolate, entry } = bench()
    await isolate().put()
    const [name = ''] = location.texts.keys()
    const garbage = ['', '[]', '{"a":1}', '["x",{}]', toText({ value: 'x\ny', metadata: {} })]
    for (const text of garbage) {
      location.texts.set(name, { text, seconds: 1 })
      expect(await isolate().get()).toEqual(fromKv(entry()))
    }
    expect(kv.reads).toBe(garbage.length)
  })

  it('is not waited for where the location hangs or fails, and then not asked for', async () => {
    const { kv, location, isolate, key, runtime } = bench()
    await isolate().put()
    const one = isolate()
    location.before = () => new Promise(() => {})
    for (let i = 0; i < 3; i++) {
      const reading = one.tier.get(kv, key, 0, policyOf(), () => {})
      await runtime.advance(100)
      expect((await reading)?.text).toBe('"x"')
    }
    let asked = 0
    location.before = () => {
      asked++
      throw new Error('no location')
    }
    expect((await one.get())?.text).toBe('"x"')
    expect([asked, one.stats.kv.errors]).toEqual([0, 3])
    await runtime.advance(1_000)
    location.before = () => void asked++
    expect((await one.get())?.text).toBe('"x"')
    expect(asked).toBe(1)
  })

  it('may fail to be put without anybody’s trouble', async () => {
    const { location, isolate } = bench()
    location.before = () => {
      throw new Error('no location')
    }
    const one = isolate()
    expect(await one.put()).toBe('written')
    expect(one.stats.kv.errors).toBe(1)
  })
})

describe('the Cache API', () => {
  it('keeps texts under names of the Worker’s own origin, for so long', async () => {
    const kept = new Map<string, Response>()
    const api: CacheApi = {
      match: async (url) => kept.get(url)?.clone(),
      put: async (url, response) => void kept.set(url, response),
    }
    const location = sharedByLocation(api, 'https://api.example.com')
    expect(await location.match('content:post:a/b?c:v1')).toBeNull()
    await location.put('content:post:a/b?c:v1', 'é', 42)
    expect(await location.match('content:post:a/b?c:v1')).toBe('é')
    const [[url, response] = []] = kept
    expect(url).toBe('https://api.example.com/.well-known/freshet-entries/content%3Apost%3Aa%2Fb%3Fc%3Av1')
    expect(response?.headers.get('Cache-Control')).toBe('max-age=42')
  })

  it('has records as KV has them', () => {
    const record = { value: 'a\nb', metadata: { s: 1 } }
    expect(fromText(toText(record))).toEqual(record)
    expect(fromText('nonsense')).toEqual({ value: null, metadata: null })
  })
})
