import type { CacheResult, CacheService, Change, Database, ReadOptions, Written } from '@freshet/cache-core'
import type { ConfigChange } from '../input/config.ts'
import type { ConfigValue } from '../model/config.ts'
import { configValue } from '../resources/config.ts'
import { type Clock, changeOf, eventOf, sql } from './change.ts'

/** Attempts of a write that names no version, when others write the same entry meanwhile. */
const WRITE_ATTEMPTS = 5

/** The configuration of the site, with the events that its changes cause. */
export class ConfigRepository {
  readonly #cache: CacheService
  readonly #db: Database
  readonly #clock: Clock

  constructor(cache: CacheService, db: Database, clock: Clock) {
    this.#cache = cache
    this.#db = db
    this.#clock = clock
  }

  /** @returns one entry; its label is `public` or `private` */
  find(key: string, options?: ReadOptions): Promise<CacheResult<ConfigValue>> {
    return this.#cache.read(configValue.at({ key }), options)
  }

  /**
   * Sets one entry, and makes it when there is none.
   * @param expectedVersion the version that the caller saw: another one is a conflict. Without it, the last writer wins.
   */
  async set(key: string, input: ConfigChange, expectedVersion?: number): Promise<Written<ConfigValue>> {
    const source = configValue.at({ key })
    for (let attempt = 1; attempt <= WRITE_ATTEMPTS; attempt++) {
      const current = await this.#cache.query(source.load(this.#db))
      if (expectedVersion !== undefined && current?.version !== expectedVersion) break
      const change = current === null ? this.#insertion(key, input) : this.#modification(current, input)
      const { write, read } = await this.#cache.writeAndRead([change], source)
      if (write.changes[0]?.changed) {
        return { status: 'written', value: read.value(), etag: read.etag, bookmark: write.bookmark }
      }
    }
    return { status: 'conflict', value: null, etag: null, bookmark: null }
  }

  #insertion(key: string, { value, isPublic = false }: ConfigChange): Change {
    const statement = sql(
      this.#db,
      'INSERT INTO config (key, value, is_public, updated_at) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING',
      [key, JSON.stringify(value), Number(isPublic), this.#clock.now()],
    )
    return changeOf('config', statement, eventOf({ type: 'config.update', payload: { key } }))
  }

  #modification({ key, version, isPublic }: ConfigValue, input: ConfigChange): Change {
    const statement = sql(
      this.#db,
      'UPDATE config SET value = ?, is_public = ?, updated_at = ?, version = version + 1 WHERE key = ? AND version = ?',
      [JSON.stringify(input.value), Number(input.isPublic ?? isPublic), this.#clock.now(), key, version],
    )
    return changeOf('config', statement, eventOf({ type: 'config.update', payload: { key } }))
  }
}
