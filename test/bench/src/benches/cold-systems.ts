import { setTimeout as sleep } from 'node:timers/promises'
import { type CacheEntry, cachified } from '@epic-web/cachified'
import { CacheService, type Source } from '@freshet/cache-core'
import { createCache } from 'cache-manager'
import { Cacheable, Keyv } from 'cacheable'
import { LRUCache } from 'lru-cache'
import * as v from 'valibot'
import { startFreshet } from './freshet.ts'
import { bentoInTwo, cachifiedTier, keyvTier, layeredLoader, layeredTier } from './second-tiers.ts'

/** What a call of the database and of the second tier takes, ms. */
export const LOAD_MS = 20
export const TIER_MS = 5

const TTL_MS = 3_600_000
const MAX_ENTRIES = 10_000
const MAX_BYTES = 50_000_000

/** One system that is asked for what it does not have. */
export interface ColdSystem {
  name: string
  origin: Origin
  /** @throws what the load throws, if the system does */
  get(key: string): Promise<string | undefined | null>
  /** Database calls so far, where there are others than loads. */
  databaseCalls?: () => number
  /** Called before each round, outside of what is measured. */
  before?: () => Promise<void>
}

/** What a load throws that is told to. */
class LoadError extends Error {
  override name = 'LoadError'
}

/** Where a system gets what it does not have: its database and its second tier, counted. */
class Origin {
  loads = 0
  tierReads = 0
  /** Whether loads throw. */
  isBroken = false

  readonly load = async (key: string): Promise<string> => {
    this.loads++
    await this.answer()
    return textOf(key)
  }

  /** What a load waits for. */
  async answer(): Promise<void> {
    await sleep(LOAD_MS)
    if (this.isBroken) throw new LoadError('the load fails')
  }

  readonly beforeRead = async (): Promise<void> => {
    this.tierReads++
    await sleep(TIER_MS)
  }
}

/** What each system has to answer. */
export function textOf(key: string): string {
  return `${key} `.padEnd(500, 'x')
}

/** One caller, no cache: what all others are compared with. */
export const ALONE = 'one load alone'

/** All of them, each over an origin of its own. */
export function coldSystems(): ColdSystem[] {
  return [
    ...withoutLibrary(),
    lruCache(),
    layered(),
    bento(),
    nestedCachified(),
    cacheable(),
    cacheManager(),
    freshetRead('freshet, read'),
    freshetRead('freshet, read, a request each', true),
    freshetGetOrSet(),
  ]
}

function withoutLibrary(): ColdSystem[] {
  const [bare, map, promises] = [new Origin(), new Origin(), new Origin()]
  const values = new Map<string, string>()
  const running = new Map<string, Promise<string>>()
  const readThrough = async (key: string) => {
    const text = values.get(key) ?? (await map.load(key))
    values.set(key, text)
    return text
  }
  const shared = (key: string) => {
    const load = running.get(key) ?? promises.load(key)
    running.set(key, load)
    return load
  }
  return [
    { name: ALONE, origin: bare, get: bare.load },
    { name: 'Map', origin: map, get: readThrough },
    { name: 'Map of promises', origin: promises, get: shared },
  ]
}

function lruCache(): ColdSystem {
  const origin = new Origin()
  const lru = new LRUCache<string, string>({ max: MAX_ENTRIES, ttl: TTL_MS, fetchMethod: origin.load })
  return { name: 'lru-cache', origin, get: (key) => lru.fetch(key) }
}

function layered(): ColdSystem {
  const origin = new Origin()
  const loader = layeredLoader(MAX_ENTRIES, TTL_MS, origin.load, layeredTier(origin.beforeRead))
  return { name: 'layered-loader', origin, get: (key) => loader.get(key) }
}

function bento(): ColdSystem {
  const origin = new Origin()
  const cache = bentoInTwo(MAX_ENTRIES, origin.beforeRead)
  const get = (key: string) => cache.getOrSet({ key, ttl: TTL_MS, factory: () => origin.load(key) })
  return { name: 'bentocache', origin, get }
}

function nestedCachified(): ColdSystem {
  const origin = new Origin()
  const cache = new LRUCache<string, CacheEntry>({ max: MAX_ENTRIES })
  const second = cachifiedTier(origin.beforeRead)
  const fromSecond = (key: string) =>
    cachified({ key, cache: second, ttl: TTL_MS, getFreshValue: () => origin.load(key) })
  const get = (key: string) => cachified({ key, cache, ttl: TTL_MS, getFreshValue: () => fromSecond(key) })
  return { name: '@epic-web/cachified', origin, get }
}

function cacheable(): ColdSystem {
  const origin = new Origin()
  const cache = new Cacheable({ ttl: TTL_MS, secondary: keyvTier(origin.beforeRead) })
  return { name: 'cacheable', origin, get: (key) => cache.getOrSet(key, () => origin.load(key)) }
}

function cacheManager(): ColdSystem {
  const origin = new Origin()
  const cache = createCache({ ttl: TTL_MS, stores: [new Keyv(), keyvTier(origin.beforeRead)] })
  return { name: 'cache-manager', origin, get: (key) => cache.wrap(key, () => origin.load(key)) }
}

/** Freshet whose KV and D1 take as long as the others' second tier and load; its fence is fresh before each round. */
function slowFreshet(origin: Origin) {
  const { d1, kv, isolate, io, cache, operations } = startFreshet(MAX_ENTRIES, MAX_BYTES)
  kv.before = (operation) => (operation === 'get' ? origin.beforeRead() : undefined)
  d1.before = async (statements) => {
    if (statements.some(({ sql }) => sql === SELECT)) await origin.answer()
    else await sleep(LOAD_MS)
  }
  const before = () => isolate.refresher.run(io)
  return { isolate, io, cache, before, operations }
}

const SELECT = 'SELECT ? AS text'
const Text = v.string()
const Row = v.object({ text: Text })

/** Through the table of resources, as a Worker does: by one caller after another of one request, or in a request for each. */
function freshetRead(name: string, isOwnRequest = false): ColdSystem {
  const origin = new Origin()
  const { isolate, io, cache, before, operations } = slowFreshet(origin)
  const sourceOf = (key: string): Source<string> => ({
    recipe: { resource: 'item', params: { key } },
    namespace: 'content',
    entity: 'item',
    id: key,
    tags: () => [],
    load: (db) => {
      origin.loads++
      return {
        statements: [db.prepare(SELECT).bind(textOf(key))],
        decode: ([result]) => v.parse(v.tuple([Row]), result?.results)[0].text,
      }
    },
    parse: (json) => v.parse(Text, json),
  })
  const get = async (key: string) => {
    const own = isOwnRequest ? new CacheService(isolate, io) : cache
    return (await own.read(sourceOf(key))).value()
  }
  return { name, origin, get, before, databaseCalls: () => operations.d1Batches }
}

/** Its plain form, whose load knows nothing of the log: that is asked before the load and after it. */
function freshetGetOrSet(): ColdSystem {
  const origin = new Origin()
  const { cache, before, operations } = slowFreshet(origin)
  const get = async (key: string) =>
    (await cache.getOrSet(`content:item:${key}`, () => origin.load(key))).value()
  return {
    name: 'freshet, getOrSet',
    origin,
    get,
    before,
    databaseCalls: () => operations.d1Batches + origin.loads,
  }
}
