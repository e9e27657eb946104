import { type Database, defineResource, type Query } from '@freshet/cache-core'
import * as v from 'valibot'
import { type ContentPage, ContentPageParams, type StatusFilter } from '../input/list.ts'
import { CollectionIdInput } from '../input/text.ts'
import { type ContentItem, ContentItemSchema, ContentRow } from '../model/content.ts'
import { type Page, pageOf } from '../model/page.ts'
import { shownBy } from './content-item.ts'
import { CONTENT_COLUMNS, CONTENT_JOINS, SORT_COLUMNS, statusesOf } from './content-sql.ts'
import { rowsOf, totalOf } from './rows.ts'

const CollectionParams = v.strictObject({ collection: CollectionIdInput, ...ContentPageParams.entries })
const Value = pageOf(ContentItemSchema)

/** The items of one collection, a page at a time. */
export const contentList = defineResource({
  name: 'contentList',
  namespace: 'api',
  parseParams: (input) => v.parse(CollectionParams, input),
  key: ({ collection, status, ...params }) => ({
    entity: 'list',
    id: { path: [collection, status], params },
  }),
  tags: tagsOf,
  isPublic: (_label, { status }) => isForAll(status),
  load: (db, { collection, ...page }) =>
    pageQuery(db, { condition: 'collection_id = ?', values: [collection] }, page),
  parse: (json) => v.parse(Value, json),
})

/** The items of all collections. */
export const contentFeed = defineResource({
  name: 'contentFeed',
  namespace: 'api',
  parseParams: (input) => v.parse(ContentPageParams, input),
  key: ({ status, ...params }) => ({ entity: 'feed', id: { path: [status], params } }),
  tags: tagsOf,
  isPublic: (_label, { status }) => isForAll(status),
  load: (db, page) => pageQuery(db, { condition: 'TRUE', values: [] }, page),
  parse: (json) => v.parse(Value, json),
})

/** The featured items of all collections. */
export const featured = defineResource({
  name: 'featured',
  namespace: 'api',
  parseParams: (input) => v.parse(ContentPageParams, input),
  key: ({ status, ...params }) => ({ entity: 'featured', id: { path: [status], params } }),
  tags: tagsOf,
  isPublic: (_label, { status }) => isForAll(status),
  load: (db, page) => pageQuery(db, { condition: 'featured = 1', values: [] }, page),
  parse: (json) => v.parse(Value, json),
})

/**
 * A list shows whole items, so it depends on what they depend on. On the items themselves it depends by its key: an
 * event names the collection and the statuses whose lists it changes, also those that showed nothing of it before.
 */
function tagsOf(page: Page<ContentItem> | null): string[] {
  return [...new Set((page?.data ?? []).flatMap(shownBy))]
}

/** Whatever else a list shows, drafts are among it. */
function isForAll(status: StatusFilter): boolean {
  return status === 'published'
}

/**
 * A page and its total. The ids of the page come in order from one index for each status, merged, so nothing is sorted
 * and no skipped row is read; only then the rows themselves.
 */
function pageQuery(
  db: Database,
  scope: { condition: string; values: string[] },
  { status, limit, offset, sortBy, sortDirection }: ContentPage,
): Query<Page<ContentItem>> {
  const { condition, values } = scope
  const column = SORT_COLUMNS[sortBy]
  const direction = sortDirection === 'asc' ? 'ASC' : 'DESC'
  const statuses = statusesOf(status)
  const arms = statuses.map(
    (one) => `SELECT id, ${column} AS k FROM content WHERE ${condition} AND status = '${one}'`,
  )
  return {
    statements: [
      db
        .prepare(
          `SELECT ${CONTENT_COLUMNS} FROM (${arms.join(' UNION ALL ')}
             ORDER BY k ${direction}, id ${direction} LIMIT ? OFFSET ?) AS page
           CROSS JOIN content AS c ON c.id = page.id ${CONTENT_JOINS}
           ORDER BY page.k ${direction}, page.id ${direction}`,
        )
        .bind(...statuses.flatMap(() => values), limit, offset),
      db
        .prepare(
          `SELECT count(*) AS total FROM content
           WHERE ${condition} AND status IN (${statuses.map((one) => `'${one}'`).join(', ')})`,
        )
        .bind(...values),
    ],
    decode: (results) => ({
      data: rowsOf(ContentRow, results),
      meta: { total: totalOf(results, 1), limit, offset },
    }),
  }
}
