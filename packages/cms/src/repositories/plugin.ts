import type { CacheResult, CacheService, Database, ReadOptions, Written } from '@freshet/cache-core'
import type { Listing } from '../model/page.ts'
import type { Plugin, PluginStatus } from '../model/plugin.ts'
import { plugins } from '../resources/plugins.ts'
import { type Clock, changeOf, eventOf, sql } from './change.ts'

/** The installed plugins. */
export class PluginRepository {
  readonly #cache: CacheService
  readonly #db: Database
  readonly #clock: Clock

  constructor(cache: CacheService, db: Database, clock: Clock) {
    this.#cache = cache
    this.#db = db
    this.#clock = clock
  }

  /** @returns the active plugins, or all */
  findMany(status: 'active' | 'all', options?: ReadOptions): Promise<CacheResult<Listing<Plugin>>> {
    return this.#cache.read(plugins.at({ status }), options)
  }

  /** Switches a plugin on; changes nothing when it is. */
  activate(id: string): Promise<Written<Plugin>> {
    return this.#switch(id, 'active')
  }

  /** Switches a plugin off; changes nothing when it is. */
  deactivate(id: string): Promise<Written<Plugin>> {
    return this.#switch(id, 'inactive')
  }

  /** The guard is the status itself: a switch that is already there changes no row, and so logs nothing. */
  async #switch(id: string, status: PluginStatus): Promise<Written<Plugin>> {
    const statement = sql(
      this.#db,
      'UPDATE plugins SET status = ?, updated_at = ? WHERE id = ? AND status <> ?',
      [status, this.#clock.now(), id, status],
    )
    const type = status === 'active' ? 'plugin.activate' : 'plugin.deactivate'
    const change = changeOf('plugins', statement, eventOf({ type, payload: { id } }))
    const { write, read } = await this.#cache.writeAndRead([change], plugins.at({ status: 'all' }))
    const value = read.value()?.data.find((plugin) => plugin.id === id) ?? null
    if (value === null) return { status: 'missing', value, etag: null, bookmark: null }
    // The ETag is that of the list, which no caller has seen.
    return {
      status: write.changes[0]?.changed ? 'written' : 'unchanged',
      value,
      etag: null,
      bookmark: write.bookmark,
    }
  }
}
