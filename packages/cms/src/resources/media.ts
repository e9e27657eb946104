import { defineResource } from '@freshet/cache-core'
import * as v from 'valibot'
import { MediaPageParams, type MediaSort } from '../input/list.ts'
import { IdInput } from '../input/text.ts'
import { type MediaItem, MediaItemSchema, MediaRow } from '../model/media.ts'
import { type Page, pageOf } from '../model/page.ts'
import { rowOf, rowsOf, totalOf } from './rows.ts'

const COLUMNS = `id, filename, mime_type AS mimeType, size, width, height, alt, url, version,
  created_at AS createdAt, updated_at AS updatedAt`

const SORT_COLUMNS: Readonly<Record<MediaSort, string>> = {
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  filename: 'filename',
}

const ItemParams = v.strictObject({ id: IdInput })
const ListValue = pageOf(MediaItemSchema)

/** What is known of one file. */
export const mediaItem = defineResource({
  name: 'mediaItem',
  namespace: 'media',
  parseParams: (input) => v.parse(ItemParams, input),
  key: ({ id }) => ({ entity: 'file', id }),
  tags: (_item: MediaItem | null) => [],
  load: (db, { id }) => ({
    statements: [db.prepare(`SELECT ${COLUMNS} FROM media WHERE id = ?`).bind(id)],
    decode: (results) => rowOf(MediaRow, results),
  }),
  parse: (json) => v.parse(MediaItemSchema, json),
})

/** All files, a page at a time. Every change of a file changes its lists, so their key is all they depend on. */
export const mediaList = defineResource({
  name: 'mediaList',
  namespace: 'api',
  parseParams: (input) => v.parse(MediaPageParams, input),
  key: (params) => ({ entity: 'media', id: { path: [], params } }),
  tags: (_page: Page<MediaItem> | null) => [],
  load: (db, { limit, offset, sortBy, sortDirection }) => {
    const direction = sortDirection === 'asc' ? 'ASC' : 'DESC'
    const order = `${SORT_COLUMNS[sortBy]} ${direction}, id ${direction}`
    return {
      statements: [
        db.prepare(`SELECT ${COLUMNS} FROM media ORDER BY ${order} LIMIT ? OFFSET ?`).bind(limit, offset),
        db.prepare('SELECT count(*) AS total FROM media'),
      ],
      decode: (results) => ({
        data: rowsOf(MediaRow, results),
        meta: { total: totalOf(results, 1), limit, offset },
      }),
    }
  },
  parse: (json) => v.parse(ListValue, json),
})
