import { ManualRuntime, MemoryKv } from '@freshet/test-support'
import { describe, expect, it } from 'vitest'
import { fromKv } from '../../test/from-kv.ts'
import { policyOf } from '../../test/world.ts'
import { type CacheEntry, makeEntry } from '../entry.ts'
import { buildKey, type CacheKey, kvName } from '../keys/key.ts'
import type { KeyValueStore } from '../ports.ts'
import { Stats } from '../stats.ts'
import { KvTier, type PutOutcome } from './kv-tier.ts'

function ignore(): void {}

const keyAt = (id: string) => buildKey({ namespace: 'content', entity: 'post', id, version: '1.1' })

class Bench {
  readonly runtime = new ManualRuntime()
  readonly stats = new Stats()
  readonly kv = new MemoryKv(this.runtime.now)
  readonly tier = new KvTier(this.runtime, this.stats)
  readonly key = keyAt('1')
  policy = policyOf()

  entry(key: CacheKey = this.key, overrides: Partial<CacheEntry> = {}): CacheEntry {
    const loaded = { text: '"x"', found: true, label: '', tags: [], epoch: 'feed', stamp: 1, upTo: 1 }
    return {
      ...makeEntry(key, this.policy, { ...loaded, loadedAt: this.runtime.now() }, 0.5),
      ...overrides,
    }
  }

  put(overrides: Partial<CacheEntry> = {}, generation = 0): Promise<PutOutcome> {
    return this.tier.put(this.kv, this.key, generation, this.entry(this.key, overrides), this.policy)
  }

  get(generation = 0): Promise<CacheEntry | null> {
    return this.tier.get(this.kv, this.key, generation, this.policy, ignore)
  }

  async failing(message = 'KV GET failed: 500'): Promise<void> {
    this.kv.before = () => {
      throw new Error(message)
    }
    for (let i = 0; i < 3; i++) await this.get()
    this.kv.before = null
  }
}

describe('a value in KV', () => {
  it('is found under the generation that it was put under, and no other', async () => {
    const bench = new Bench()
    await bench.put({}, 5)
    expect(await bench.get(5)).toEqual(fromKv(bench.entry()))
    expect([await bench.get(4), await bench.get(6)]).toEqual([null, null])
  })

  it('is put for the rest of its use: its life, and the time that it may be stale', async () => {
    const bench = new Bench()
    bench.policy = policyOf({ staleIfErrorSeconds: 100 })
    await bench.put({ expiresAt: bench.runtime.now() + 500_500 })
    expect(bench.kv.entries.values().next().value?.expiresAt).toBe(bench.runtime.now() + 601_000)
  })

  it('is put for a minute at least, which is the shortest that KV takes', async () => {
    const bench = new Bench()
    await bench.put({ expiresAt: bench.runtime.now() + 1 })
    await bench.put({ expiresAt: bench.runtime.now() - 10_000 })
    expect([bench.kv.writes, bench.stats.kv.dropped]).toEqual([2, 0])
  })

  it('is read with the policy’s cacheTtl, 30 s unless it says otherwise', async () => {
    const bench = new Bench()
    const seen: unknown[] = []
    const kv = {
      async getWithMetadata(names: string | string[], { cacheTtl }: { cacheTtl?: number }) {
        seen.push(cacheTtl)
        return typeof names === 'string' ? { value: null, metadata: null } : new Map()
      },
    } as unknown as KeyValueStore
    for (const policy of [policyOf(), policyOf({ kvCacheTtlSeconds: 300 })])
      await bench.tier.get(kv, bench.key, 0, policy, ignore)
    for (const policy of [policyOf(), policyOf({ kvCacheTtlSeconds: 300 })])
      await bench.tier.getMany(kv, [{ key: bench.key, generation: 0 }], policy)
    expect(seen).toEqual([30, 300, 30, 300])
  })

  it('is never "not found", nor one too large for KV: those writes are dropped and counted', async () => {
    const bench = new Bench()
    await bench.put({ found: false, text: 'null' })
    await bench.put({ text: `"${'x'.repeat(8_000_000)}"` })
    expect([bench.kv.writes, bench.stats.kv.dropped]).toEqual([0, 2])
  })

  it('fits KV for any id', async () => {
    const bench = new Bench()
    for (const id of ['é'.repeat(600), '😀', 'a:b/c *', '']) {
      const key = keyAt(id)
      await bench.tier.put(bench.kv, key, 3, bench.entry(key), bench.policy)
      expect(await bench.tier.get(bench.kv, key, 3, bench.policy, ignore)).toEqual(fromKv(bench.entry(key)))
    }
    expect(bench.stats.kv).toMatchObject({ errors: 0, dropped: 0 })
  })
})

describe('many values', () => {
  it('are read a hundred at a time', async () => {
    const bench = new Bench()
    const keys = Array.from({ length: 250 }, (_, i) => ({ key: keyAt(String(i)), generation: i % 3 }))
    for (const { key, generation } of keys.slice(0, 249)) {
      await bench.tier.put(bench.kv, key, generation, bench.entry(key), bench.policy)
    }
    const found = await bench.tier.getMany(bench.kv, keys, bench.policy)
    expect([found.size, bench.kv.reads]).toEqual([249, 3])
    expect(found.get(keyAt('7').text)).toEqual(fromKv(bench.entry(keyAt('7'))))
    expect(found.has(keyAt('249').text)).toBe(false)
  })

  it('are none for no keys, and none where KV fails', async () => {
    const bench = new Bench()
    expect((await bench.tier.getMany(bench.kv, [], bench.policy)).size).toBe(0)
    expect(bench.kv.reads).toBe(0)
    await bench.put()
    bench.kv.before = () => {
      throw new Error('KV GET_BULK failed: 500')
    }
    expect((await bench.tier.getMany(bench.kv, [{ key: bench.key, generation: 0 }], bench.policy)).size).toBe(
      0,
    )
  })

  it('leave out garbage, and keep the others', async () => {
    const bench = new Bench()
    const keys = ['1', '2'].map((id) => ({ key: keyAt(id), generation: 0 }))
    for (const { key } of keys) await bench.tier.put(bench.kv, key, 0, bench.entry(key), bench.policy)
    const stored = bench.kv.entries.get(kvName(keyAt('1'), 0))
    if (stored !== undefined) stored.value = 'rubbish'
    const found = await bench.tier.getMany(bench.kv, keys, bench.policy)
    expect([...found.keys()]).toEqual([keyAt('2').text])
    expect(bench.stats.kv.garbage).toBe(1)
  })
})

describe('KV trouble is a miss or a dropped write, counted', () => {
  it('when it throws', async () => {
    const bench = new Bench()
    bench.kv.before = () => {
      throw new Error('KV failed: 500')
    }
    await bench.put()
    expect(await bench.get()).toBe(null)
    expect(bench.stats.kv).toMatchObject({ errors: 2, dropped: 1, reads: 1, writes: 1 })
  })

  it('when a read takes over 500 ms', async () => {
    const bench = new Bench()
    bench.kv.before = () => new Promise(() => {})
    const reading = bench.get()
    await bench.runtime.advance(500)
    expect(await reading).toBe(null)
    expect(bench.stats.kv.errors).toBe(1)
  })

  it('when a write takes over 10 s', async () => {
    const bench = new Bench()
    bench.kv.before = () => new Promise(() => {})
    const writing = bench.put()
    await bench.runtime.advance(10_000)
    await writing
    expect(bench.stats.kv.dropped).toBe(1)
  })

  it('when what it holds is not ours', async () => {
    const bench = new Bench()
    await bench.kv.put(kvName(bench.key, 0), '{"id":1}', { expirationTtl: 60, metadata: {} })
    expect(await bench.get()).toBe(null)
    expect([bench.stats.kv.garbage, bench.stats.kv.errors]).toEqual([1, 0])
  })
})

describe('the breaker', () => {
  it('opens after three failures in a row; then nobody waits for KV', async () => {
    const bench = new Bench()
    await bench.failing()
    expect(bench.tier.breaker.isOpen).toBe(true)
    const { reads, writes } = bench.kv
    expect(await bench.get()).toBe(null)
    await bench.put()
    expect([bench.kv.reads, bench.kv.writes]).toEqual([reads, writes])
    expect(bench.stats.kv.dropped).toBe(1)
  })

  it('is closed by the first read that succeeds after its pause', async () => {
    const bench = new Bench()
    await bench.failing()
    await bench.runtime.advance(1000)
    await bench.get()
    expect(bench.tier.breaker.isOpen).toBe(false)
  })

  it('is not opened by 429: that is somebody else who has just written the key', async () => {
    const bench = new Bench()
    bench.kv.before = () => {
      throw new Error('KV PUT failed: 429 Too Many Requests')
    }
    for (let i = 0; i < 10; i++) await bench.put()
    expect(bench.tier.breaker.isOpen).toBe(false)
    expect([bench.stats.kv.errors, bench.stats.kv.dropped]).toEqual([10, 10])
  })

  it('is not kept open by writes, which leave the probe to a read', async () => {
    const bench = new Bench()
    await bench.failing()
    await bench.runtime.advance(1000)
    await bench.put()
    await bench.get()
    expect(bench.tier.breaker.isOpen).toBe(false)
  })

  it('stays open for reads that fail while writes succeed', async () => {
    const bench = new Bench()
    for (let i = 0; i < 3; i++) {
      bench.kv.before = (operation) => {
        if (operation === 'get') throw new Error('KV GET failed: 500')
      }
      await bench.get()
      await bench.put()
    }
    expect(bench.tier.breaker.isOpen).toBe(true)
  })
})
