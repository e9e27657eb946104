import { type CacheEntry, cachified } from '@epic-web/cachified'
import { bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { createCache } from 'cache-manager'
import { Cacheable, CacheableMemory, Keyv } from 'cacheable'
import type { Cache, Loader } from 'layered-loader'
import { LRUCache } from 'lru-cache'
import { startFreshet } from './freshet.ts'
import { bentoInTwo, bentoOf, type LayeredMemory, layeredLoader, layeredTier } from './second-tiers.ts'

/** No system, but what each has to do for a hit: a look-up, a look at the clock, a promise. */
export const LEAST = 'Map, clock, promise'

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

/** Freshet with all keys in memory; its fence is refreshed before each round, as its keeper would do behind the answers. */
export async function freshet({ keys, textOf, maxBytes }: Payload) {
  const { isolate, io, cache, operations } = startFreshet(keys.length, maxBytes)
  // One at a time: what comes in together is read together.
  for (const [i, key] of keys.entries()) await cache.getOrSet(key, async () => textOf(i))
  const built = keys.map((key) => isolate.keyAt(key))
  const before = () => isolate.refresher.run(io)
  return { isolate, cache, built, before, operations }
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
  const objects = layeredInObjects(payload)
  for (const [i, key] of keys.entries()) {
    lru.set(key, textOf(i))
    await loader.get(key)
    await objects.get(key)
  }
  const { isolate, cache, before } = await freshet(payload)
  const built = keys.map((key) => ({ ...isolate.keyAt(key), recipe: { resource: 'item', params: {} } }))
  let now = 0
  const tick = async () => {
    await before()
    now = isolate.runtime.now()
  }
  return [
    sync('Map', (i) => map.get(at(i))?.length ?? never()),
    sync('lru-cache', (i) => lru.get(at(i))?.length ?? never()),
    sync('layered-loader', (i) => loader.getInMemoryOnly(at(i))?.length ?? never()),
    sync('layered-loader, objects', (i) => objects.getInMemoryOnly(at(i))?.length ?? never()),
    sync('freshet, tier', (i) => isolate.memory.get(at(i))?.text.length ?? never()),
    sync('freshet, peek', (i) => cache.peek(at(i), now)?.text.length ?? never(), tick),
    // As the routes of an API do it, but for the making of the key.
    sync(
      'freshet, peek of a source',
      (i) => cache.peek(built[i] ?? never(), now)?.text.length ?? never(),
      tick,
    ),
  ]
}

/** A get by a key that is made for it, as that of a request is: nobody has taken the hash of such a string yet. */
export async function newKeyGetters(payload: Payload): Promise<Contender[]> {
  const { keys, textOf } = payload
  const map = new Map(keys.map((key, i) => [key, textOf(i)]))
  const { isolate, cache, before } = await freshet(payload)
  let now = 0
  const peek = (i: number) => {
    const key = isolate.keyOf({ namespace: 'content', entity: 'item', id: String(i) })
    return cache.peek(key, now)?.text.length ?? never()
  }
  return [
    sync('Map', (i) => map.get(`content:item:${i}`)?.length ?? never()),
    sync('freshet, peek', peek, async () => {
      await before()
      now = isolate.runtime.now()
    }),
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
  const models = built.map(({ path }) => isolate.memory.get(path)?.entry ?? never())
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
  const inTier = (key: string, i: number) => {
    // The others look at the clock as well.
    const now = isolate.runtime.now()
    return isolate.memory.set(key, models[i] ?? never(), now + ttl, now)
  }
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
  const objects = layeredInObjects(payload)
  const bento = bentoOf(bentostore().useL1Layer(memoryDriver({ maxItems: keys.length })))
  const cacheable = new Cacheable({ ttl })
  const manager = createCache({ ttl })
  const fresh = (key: string, load: () => string) =>
    cachified({ key, cache: forCachified, ttl, getFreshValue: load })
  for (const [i, key] of keys.entries()) {
    await loader.get(key)
    await objects.get(key)
    await bento.set({ key, value: textOf(i), ttl })
    await cacheable.set(key, textOf(i))
    await manager.set(key, textOf(i))
    await fresh(key, () => textOf(i))
  }
  const ends = Date.now() + ttl
  const map = new Map(keys.map((key, i) => [key, { text: textOf(i), ends }]))
  /** All that is left of any cache in a Map when what it is for is left out. */
  const least = (key: string): Promise<string> => {
    const held = map.get(key)
    return held !== undefined && Date.now() < held.ends ? Promise.resolve(held.text) : never()
  }
  const { cache, before } = await freshet(payload)
  return [
    awaited(LEAST, async (i) => (await least(at(i))).length),
    awaited('layered-loader', async (i) => (await loader.get(at(i)))?.length ?? never()),
    awaited('layered-loader, objects', async (i) => (await objects.get(at(i)))?.length ?? never()),
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
  const loader = layered(payload, layeredTier())
  const objects = layeredInObjects(payload, layeredTier())
  const bento = bentoInTwo(keys.length)
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
    await objects.get(key)
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
    awaited('layered-loader, objects', async (i) => (await objects.get(at(i)))?.length ?? never()),
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

/** It takes the texts from its data source. */
function layered(
  { keys, textOf, ttlMs }: Payload,
  asyncCache?: Cache<string>,
  memory?: LayeredMemory,
): Loader<string> {
  const byKey = new Map(keys.map((key, i) => [key, textOf(i)]))
  return layeredLoader(keys.length, ttlMs, async (key) => byKey.get(key), asyncCache, memory)
}

/** With an object for its memory, which its documentation has for other keys, and which is faster here. */
const layeredInObjects = (payload: Payload, asyncCache?: Cache<string>) =>
  layered(payload, asyncCache, 'lru-object')
