import type { CacheResult, CacheService, ReadOptions } from '@freshet/cache-core'
import type { Collection } from '../model/collection.ts'
import type { Listing } from '../model/page.ts'
import { collections } from '../resources/collections.ts'

/** The collections. Migrations make them; nothing here changes them. */
export class CollectionRepository {
  readonly #cache: CacheService

  constructor(cache: CacheService) {
    this.#cache = cache
  }

  /** @returns all collections */
  findAll(options?: ReadOptions): Promise<CacheResult<Listing<Collection>>> {
    return this.#cache.read(collections.at({}), options)
  }

  /** Whether there is a collection of this id. */
  async has(id: string, options?: ReadOptions): Promise<boolean> {
    const all = (await this.findAll(options)).value()
    return all?.data.some((collection) => collection.id === id) ?? false
  }
}
