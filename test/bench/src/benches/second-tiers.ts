import type { CacheEntry, Cache as CachifiedCache } from '@epic-web/cachified'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import type { L2CacheDriver } from 'bentocache/types'
import { Keyv, type KeyvStoreAdapter } from 'cacheable'
import { type Cache, type DataSource, Loader } from 'layered-loader'

/** Called before each read of a second tier: it counts, or takes its time. */
export type BeforeRead = () => Promise<void> | void

const atOnce: BeforeRead = () => {}

/** Behind bentocache's contract: two tiers. */
export function bentoInTwo(maxItems: number, before?: BeforeRead) {
  return bentoOf(
    bentostore()
      .useL1Layer(memoryDriver({ maxItems }))
      .useL2Layer({ options: {}, factory: () => new MapDriver(before) }),
  )
}

/** Bentocache over one store. */
export function bentoOf(store: ReturnType<typeof bentostore>) {
  return new BentoCache({ default: 'c', stores: { c: store } })
}

/** `lru-map` is its default, and what its documentation has for keys that are strings. */
export type LayeredMemory = 'lru-map' | 'lru-object'

/** Layered-loader fills itself through its data source. */
export function layeredLoader(
  maxItems: number,
  ttlInMsecs: number,
  load: (key: string) => Promise<string | undefined>,
  asyncCache?: Cache<string>,
  cacheType: LayeredMemory = 'lru-map',
): Loader<string> {
  const source: DataSource<string> = { name: 'texts', get: load, getMany: async () => [] }
  return new Loader<string>({
    inMemoryCache: { cacheType, ttlInMsecs, maxItems },
    ...(asyncCache && { asyncCache }),
    dataSources: [source],
    // It says on the console what it throws.
    logger: { error: () => {} },
  })
}

/** A Map behind layered-loader's contract. */
export function layeredTier(before = atOnce): Cache<string> {
  const map = new Map<string, string | null>()
  const expirationTimeLoadingOperation = new Loader<number>({ dataSources: [] })
  return {
    expirationTimeLoadingOperation,
    async get(key) {
      await before()
      return map.get(key)
    },
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

/** The same behind cachified's. */
export function cachifiedTier(before: BeforeRead): CachifiedCache {
  const map = new Map<string, CacheEntry>()
  return {
    async get(key) {
      await before()
      return map.get(key)
    },
    set: (key, entry) => void map.set(key, entry),
    delete: (key) => void map.delete(key),
  }
}

/** The same behind Keyv's, for cacheable and cache-manager. */
export function keyvTier(before: BeforeRead): Keyv {
  return new Keyv({ store: new MapStore(before) })
}

class MapStore implements KeyvStoreAdapter {
  readonly opts = {}
  readonly #map = new Map<string, unknown>()
  readonly #before: BeforeRead

  constructor(before: BeforeRead) {
    this.#before = before
  }

  async get<Value>(key: string) {
    await this.#before()
    // Keyv parses what it has set here itself.
    return this.#map.get(key) as Value | undefined
  }

  async set(key: string, value: unknown): Promise<boolean> {
    this.#map.set(key, value)
    return true
  }

  async delete(key: string): Promise<boolean> {
    return this.#map.delete(key)
  }

  async clear(): Promise<void> {
    this.#map.clear()
  }

  /** It has no events. */
  on(): this {
    return this
  }
}

/** The same behind bentocache's. */
class MapDriver implements L2CacheDriver {
  readonly type = 'l2'
  readonly name = 'map'
  readonly #map = new Map<string, string>()
  readonly #before: BeforeRead

  constructor(before = atOnce) {
    this.#before = before
  }

  namespace(): MapDriver {
    return new MapDriver(this.#before)
  }

  async get(key: string): Promise<string | undefined> {
    await this.#before()
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
