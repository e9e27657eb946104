import {
  CachedRepository,
  type CacheService,
  type Change,
  type Current,
  type Database,
  type Source,
} from '@freshet/cache-core'
import type { MediaPage } from '../input/list.ts'
import type { MediaCreate, MediaUpdate } from '../input/media.ts'
import type { MediaItem } from '../model/media.ts'
import type { Page } from '../model/page.ts'
import { mediaItem, mediaList } from '../resources/media.ts'
import { type Clock, changeOf, eventOf, sql } from './change.ts'

/** What is known of files, with the events that its changes cause. */
export class MediaRepository extends CachedRepository<
  MediaItem,
  Page<MediaItem>,
  MediaPage,
  MediaCreate,
  MediaUpdate
> {
  readonly #clock: Clock

  constructor(cache: CacheService, db: Database, clock: Clock) {
    super(cache, db)
    this.#clock = clock
  }

  protected item(id: string): Source<MediaItem> {
    return mediaItem.at({ id })
  }

  protected list(page: MediaPage): Source<Page<MediaItem>> {
    return mediaList.at(page)
  }

  protected async current(id: string): Promise<Current<MediaItem> | null> {
    const value = await this.cache.query(this.item(id).load(this.db))
    return value && { value, version: value.version }
  }

  protected insertion(input: MediaCreate): { id: string; changes: Change[] } {
    const id = this.#clock.uuid()
    const now = this.#clock.now()
    const statement = sql(
      this.db,
      `INSERT INTO media (id, filename, mime_type, size, width, height, alt, url, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [id, ...columnsOf(input), now, now],
    )
    return { id, changes: [changeOf('media', statement, eventOf({ type: 'media.upload', payload: { id } }))] }
  }

  protected modification({ value, version }: Current<MediaItem>, input: MediaUpdate): Change[] {
    const statement = sql(
      this.db,
      `UPDATE media SET filename = ?, mime_type = ?, size = ?, width = ?, height = ?, alt = ?, url = ?, updated_at = ?,
         version = version + 1 WHERE id = ? AND version = ?`,
      [...columnsOf({ ...value, ...input }), this.#clock.now(), value.id, version],
    )
    return [changeOf('media', statement, eventOf({ type: 'media.update', payload: { id: value.id } }))]
  }

  protected removal({ value: { id }, version }: Current<MediaItem>): Change[] {
    const statement = sql(this.db, 'DELETE FROM media WHERE id = ? AND version = ?', [id, version])
    return [changeOf('media', statement, eventOf({ type: 'media.delete', payload: { id } }))]
  }
}

function columnsOf({
  filename,
  mimeType,
  size,
  width,
  height,
  alt,
  url,
}: MediaCreate): (string | number | null)[] {
  return [filename, mimeType, size, width, height, alt, url]
}
