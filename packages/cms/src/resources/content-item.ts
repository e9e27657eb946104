import { defineResource } from '@freshet/cache-core'
import * as v from 'valibot'
import { IdInput } from '../input/text.ts'
import { type ContentItem, ContentItemSchema, ContentRow } from '../model/content.ts'
import { CONTENT_COLUMNS, CONTENT_JOINS } from './content-sql.ts'
import { mediaTag, userTag } from './names.ts'
import { rowOf } from './rows.ts'

const Params = v.strictObject({ id: IdInput })

/** Names that an item depends on besides itself: its author's and its featured media's. */
export function shownBy(item: ContentItem): string[] {
  const tags: string[] = []
  if (item.author !== null) tags.push(userTag(item.author.id))
  if (item.featuredMedia !== null) tags.push(mediaTag(item.featuredMedia.id))
  return tags
}

/** One content item, of whatever status: its label, so that a hit can be refused to who must not see it. */
export const contentItem = defineResource({
  name: 'contentItem',
  namespace: 'content',
  parseParams: (input) => v.parse(Params, input),
  key: ({ id }) => ({ entity: 'item', id }),
  tags: (item: ContentItem | null) => (item === null ? [] : shownBy(item)),
  label: (item) => item.status,
  isPublic: (label) => label === null || label === 'published',
  load: (db, { id }) => ({
    statements: [
      db.prepare(`SELECT ${CONTENT_COLUMNS} FROM content AS c ${CONTENT_JOINS} WHERE c.id = ?`).bind(id),
    ],
    decode: (results) => rowOf(ContentRow, results),
  }),
  parse: (json) => v.parse(ContentItemSchema, json),
})
