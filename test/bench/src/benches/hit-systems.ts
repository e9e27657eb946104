import { readdirSync, readFileSync } from 'node:fs'
import { type CacheEntry, cachified } from '@epic-web/cachified'
import { CacheService, cachePolicy, Isolate, parseSettings } from '@freshet/cache-core'
import { MemoryKv, SqliteD1 } from '@freshet/test-support'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import type { L2CacheDriver } from 'bentocache/types'
import { createCache } from 'cache-manager'
import { Cacheable, CacheableMemory, Keyv } from 'cacheable'
import { type Cache, Loader } from 'layered-loader'
import { LRUCache } from 'lru-cache'
import { Meter } from '../meter.ts'

/** What each holds under each key. */
export interface Payload {
  keys: readonly string[]
  /** The same for all, but each has a copy of its own: none finds in the processor's cache what the last one has read. */
  textOf: (i: number) => string
  ttlMs: number
  maxBytes: number
}

/** Reads one key that is there. @returns the length of its text */
type Sync = (i: number) => number
type Async = (i: number) => Promise<number>

/** One system in one discipline. */
export interface Contender {
  name: string
  run: { kind: 'sync'; one: Sync } | { kind: 'async'; one: Async }
  /** Called before each round, outside of what is measured. */
  before?: () => Promise<void>
}

const sync = (name: string, one: Sync, before?: () => Promise<void>): Contender => ({
  name,
  run: { kind: 'sync', one },
  ...(before && { before }),
})
const awaited = (name: string, one: Async, more: Pick<Contender, 'before'> = {}): Contender => ({
  name,
  run: { kind: 'async', one },
  ...more,
})

const never = (): never => {
  throw new Error('a hit must not load')
}

const MIGRATIONS = new URL('../../../../packages/cache-core/migrations/', import.meta.url)

/** Freshet with all keys in memory; its fence is refreshed before each round, as its keeper would do behind the answers. */
export async function freshet({ keys, textOf, maxBytes }: Payload) {
  const d1 = new SqliteD1()
  for (const name of readdirSync(MIGRATIONS).sort()) d1.exec(readFileSync(new URL(name, MIGRATIONS), 'utf8'))
  const meter = new Meter()
  const isolate = new Isolate({
    configs: { content: cachePolicy('content', { visibility: 'public', ttl: 86_400 }) },
    settings: { ...parseSettings({}), maxEntries: keys.length, maxMemoryBytes: maxBytes },
  })
  const io = { db: meter.d1(d1), kv: meter.kv(new MemoryKv()), events: null, waitUntil: () => {} }
  const cache = new CacheService(isolate, io)
  // One at a time: what comes in together is read together.
  for (const [i, key] of keys.entries()) await cache.getOrSet(key, async () => textOf(i))
  const built = keys.map((key) => isolate.keyAt(key))
  const before = () => isolate.refresher.run(io)
  return { isolate, cache, built, before, operations: meter.operations }
}

/** As its documentation has it for entries of different sizes. */
const lruOf = ({ keys, ttlMs: ttl, maxBytes }: Payload) =>
  new LRUCache<string, string>({
    max: keys.length,
    maxSize: maxBytes,
    ttl,
    sizeCalculation: (text) => text.length,
  })

/** A get of what the one tier in memory has, where that is answered at once. */
export async function getters(payload: Payload): Promise<Contender[]> {
  const { keys, textOf } = payload
  const at = (i: number) => keys[i] ?? ''
  const map = new Map(keys.map((key, i) => [key, textOf(i)]))
  const lru = lruOf(payload)
  const loader = layered(payload)
  for (const [i, key] of keys.entries()) {
    lru.set(key, textOf(i))
    await loader.get(key)
  }
  const { isolate, cache, built, before } = await freshet(payload)
  let now = 0
  const tick = async () => {
    await before()
    now = isolate.runtime.now()
  }
  return [
    sync('Map', (i) => map.get(at(i))?.length ?? never()),
    sync('lru-cache', (i) => lru.get(at(i))?.length ?? never()),
    sync('layered-loader', (i) => loader.getInMemoryOnly(at(i))?.length ?? never()),
    sync('freshet, tier', (i) => isolate.memory.get(at(i))?.text.length ?? never()),
    sync('freshet, peek', (i) => cache.peek(built[i] ?? never(), now)?.text.length ?? never(), tick),
  ]
}

/** The same where it is a promise. */
export async function promisers({ keys, textOf, ttlMs: ttl }: Payload): Promise<Contender[]> {
  const at = (i: number) => keys[i] ?? ''
  const bento = bentoOf(bentostore().useL1Layer(memoryDriver({ maxItems: keys.length })))
  const cacheable = new Cacheable({ ttl })
  const manager = createCache({ ttl })
  for (const [i, key] of keys.entries()) {
    await bento.set({ key, value: textOf(i), ttl })
    await cacheable.set(key, textOf(i))
    await manager.set(key, textOf(i))
  }
  return [
    awaited('bentocache', async (i) => (await bento.get<string>({ key: at(i) }))?.length ?? never()),
    awaited('cacheable', async (i) => (await cacheable.get<string>(at(i)))?.length ?? never()),
    awaited('cache-manager', async (i) => (await manager.get<string>(at(i)))?.length ?? never()),
  ]
}

/** Sets a new key where there is room for none: one round's keys, one after the other. */
export interface Setter {
  name: string
  run:
    | { kind: 'sync'; set: (key: string, i: number) => unknown }
    | { kind: 'async'; set: (key: string, i: number) => Promise<unknown> }
  /** Entries that it holds. */
  size?: () => number
}

/** Those that have a cap, all of them full. */
export async function setters(payload: Payload): Promise<Setter[]> {
  const { keys, textOf, ttlMs: ttl } = payload
  const texts = keys.map((_, i) => textOf(i))
  const at = (i: number) => texts[i] ?? never()
  const map = new Map<string, string>()
  const ring = [...keys]
  let place = 0
  const lru = lruOf(payload)
  const loader = layered(payload)
  const bento = bentoOf(bentostore().useL1Layer(memoryDriver({ maxItems: keys.length })))
  const cacheable = new CacheableMemory({ ttl, lruSize: keys.length })
  const { isolate, built } = await freshet(payload)
  const models = built.map(({ path }) => isolate.memory.get(path) ?? never())
  const now = isolate.runtime.now()
  for (const [i, key] of keys.entries()) {
    map.set(key, at(i))
    lru.set(key, at(i))
    cacheable.set(key, at(i))
    await loader.get(key)
    await bento.set({ key, value: at(i), ttl })
  }
  const inRing = (key: string, i: number) => {
    map.delete(ring[place] ?? '')
    ring[place] = key
    place = (place + 1) % ring.length
    map.set(key, at(i))
  }
  const inTier = (key: string, i: number) => isolate.memory.set(key, models[i] ?? never(), now + ttl, now)
  return [
    { name: 'Map', run: { kind: 'sync', set: inRing }, size: () => map.size },
    {
      name: 'lru-cache',
      run: { kind: 'sync', set: (key, i) => lru.set(key, at(i)) },
      size: () => lru.size,
    },
    {
      name: 'cacheable, memory',
      run: { kind: 'sync', set: (key, i) => cacheable.set(key, at(i)) },
      size: () => cacheable.size,
    },
    {
      name: 'layered-loader',
      run: { kind: 'async', set: (key, i) => loader.forceSetValue(key, at(i)) },
    },
    {
      name: 'bentocache',
      run: { kind: 'async', set: (key, i) => bento.set({ key, value: at(i), ttl }) },
    },
    { name: 'freshet, tier', run: { kind: 'sync', set: inTier }, size: () => isolate.memory.entries },
  ]
}

/** `getOrSet` of a key that is there. */
export async function loaders(payload: Payload): Promise<Contender[]> {
  const { keys, textOf, ttlMs: ttl } = payload
  const at = (i: number) => keys[i] ?? ''
  const forCachified = new LRUCache<string, CacheEntry>({ max: keys.length })
  const loader = layered(payload)
  const bento = bentoOf(bentostore().useL1Layer(memoryDriver({ maxItems: keys.length })))
  const cacheable = new Cacheable({ ttl })
  const manager = createCache({ ttl })
  const fresh = (key: string, load: () => string) =>
    cachified({ key, cache: forCachified, ttl, getFreshValue: load })
  for (const [i, key] of keys.entries()) {
    await loader.get(key)
    await bento.set({ key, value: textOf(i), ttl })
    await cacheable.set(key, textOf(i))
    await manager.set(key, textOf(i))
    await fresh(key, () => textOf(i))
  }
  const { cache, before } = await freshet(payload)
  return [
    awaited('layered-loader', async (i) => (await loader.get(at(i)))?.length ?? never()),
    awaited(
      'bentocache',
      async (i) => (await bento.getOrSet<string>({ key: at(i), factory: never, ttl })).length,
    ),
    awaited('@epic-web/cachified', async (i) => (await fresh(at(i), never)).length),
    awaited('cacheable', async (i) => (await cacheable.getOrSet<string>(at(i), never))?.length ?? never()),
    awaited('cache-manager', async (i) => (await manager.wrap(at(i), never as () => string)).length),
    awaited('freshet', async (i) => (await cache.getOrSet(at(i), never)).text.length, { before }),
    // The others hand out one object to all; this is a copy for each caller.
    awaited(
      'freshet, parsed',
      async (i) => (await cache.getOrSet<string>(at(i), never)).value()?.length ?? never(),
      { before },
    ),
  ]
}

/** The first of two tiers has it. */
export async function tiered(payload: Payload): Promise<Contender[]> {
  const { keys, textOf, ttlMs: ttl } = payload
  const at = (i: number) => keys[i] ?? ''
  const loader = layered(payload, secondTier())
  const bento = bentoOf(
    bentostore()
      .useL1Layer(memoryDriver({ maxItems: keys.length }))
      .useL2Layer({ options: {}, factory: () => new MapDriver() }),
  )
  const cacheable = new Cacheable({ ttl, secondary: new Keyv() })
  const manager = createCache({ ttl, stores: [new Keyv(), new Keyv()] })
  const first = new LRUCache<string, CacheEntry>({ max: keys.length })
  const second = new Map<string, CacheEntry>()
  const nested = (key: string, load: () => string) =>
    cachified({
      key,
      cache: first,
      ttl,
      getFreshValue: () => cachified({ key, cache: second, ttl, getFreshValue: load }),
    })
  for (const [i, key] of keys.entries()) {
    await loader.get(key)
    await bento.set({ key, value: textOf(i), ttl })
    await cacheable.set(key, textOf(i))
    await manager.set(key, textOf(i))
    await nested(key, () => textOf(i))
  }
  const { cache, before, operations } = await freshet(payload)
  let kvReads = operations.kvReads
  let d1Queries = operations.d1Queries
  return [
    awaited('layered-loader', async (i) => (await loader.get(at(i)))?.length ?? never()),
    awaited('bentocache', async (i) => (await bento.get<string>({ key: at(i) }))?.length ?? never()),
    awaited('@epic-web/cachified', async (i) => (await nested(at(i), never)).length),
    awaited('cacheable', async (i) => (await cacheable.get<string>(at(i)))?.length ?? never()),
    awaited('cache-manager', async (i) => (await manager.get<string>(at(i)))?.length ?? never()),
    awaited('freshet', async (i) => (await cache.getWithSource<string>(at(i)))?.text.length ?? never(), {
      before: async () => {
        // What the round before has asked for.
        if (operations.kvReads !== kvReads || operations.d1Queries !== d1Queries)
          throw new Error('a hit in the first tier has asked KV or D1')
        await before()
        kvReads = operations.kvReads
        d1Queries = operations.d1Queries
      },
    }),
  ]
}

function bentoOf(store: ReturnType<typeof bentostore>) {
  return new BentoCache({ default: 'c', stores: { c: store } })
}

/** Layered-loader fills itself through its data source. */
function layered({ keys, textOf, ttlMs: ttlInMsecs }: Payload, asyncCache?: Cache<string>): Loader<string> {
  const byKey = new Map(keys.map((key, i) => [key, textOf(i)]))
  return new Loader<string>({
    inMemoryCache: { cacheType: 'lru-object', ttlInMsecs, maxItems: keys.length },
    ...(asyncCache && { asyncCache }),
    dataSources: [{ name: 'texts', get: async (key: string) => byKey.get(key), getMany: async () => [] }],
  })
}

/** A Map behind layered-loader's own contract. */
function secondTier(): Cache<string> {
  const map = new Map<string, string | null>()
  const expirationTimeLoadingOperation = new Loader<number>({ dataSources: [] })
  return {
    expirationTimeLoadingOperation,
    get: async (key) => map.get(key),
    getMany: async () => ({ resolvedValues: [], unresolvedKeys: [] }),
    getExpirationTime: async () => undefined,
    set: async (key, value) => map.set(key, value),
    setMany: async (entries) => entries.forEach(({ key, value }) => void map.set(key, value)),
    delete: async (key) => map.delete(key),
    deleteMany: async (all) => all.forEach((key) => void map.delete(key)),
    clear: async () => map.clear(),
    close: async () => {},
  }
}

/** The same behind bentocache's. */
class MapDriver implements L2CacheDriver {
  readonly type = 'l2'
  readonly name = 'map'
  readonly #map = new Map<string, string>()

  namespace(): MapDriver {
    return new MapDriver()
  }

  async get(key: string): Promise<string | undefined> {
    return this.#map.get(key)
  }

  async pull(key: string): Promise<string | undefined> {
    const value = this.#map.get(key)
    this.#map.delete(key)
    return value
  }

  async has(key: string): Promise<boolean> {
    return this.#map.has(key)
  }

  async set(key: string, value: string): Promise<boolean> {
    this.#map.set(key, value)
    return true
  }

  async clear(): Promise<void> {
    this.#map.clear()
  }

  async delete(key: string): Promise<boolean> {
    return this.#map.delete(key)
  }

  async deleteMany(keys: string[]): Promise<boolean> {
    for (const key of keys) this.#map.delete(key)
    return true
  }

  async disconnect(): Promise<void> {}
}
