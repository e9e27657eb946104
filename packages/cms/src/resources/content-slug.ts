import { defineResource } from '@freshet/cache-core'
import * as v from 'valibot'
import { IdInput } from '../input/text.ts'
import { type ContentRef, ContentRefSchema } from '../model/content.ts'
import { rowOf } from './rows.ts'

const Params = v.strictObject({ collection: IdInput, slug: IdInput })

/** Which item a slug leads to. Only its id: the item is cached under that, and nothing twice. */
export const contentSlug = defineResource({
  name: 'contentSlug',
  namespace: 'content',
  parseParams: (input) => v.parse(Params, input),
  key: ({ collection, slug }) => ({ entity: 'slug', id: [collection, slug] }),
  // An event names the slugs whose owner it changes, and so this key: also when it was not found.
  tags: (_ref: ContentRef | null) => [],
  load: (db, { collection, slug }) => ({
    statements: [
      db.prepare('SELECT id FROM content WHERE collection_id = ? AND slug = ?').bind(collection, slug),
    ],
    decode: (results) => rowOf(ContentRefSchema, results),
  }),
  parse: (json) => v.parse(ContentRefSchema, json),
})
