import { defineResource } from '@freshet/cache-core'
import * as v from 'valibot'
import { type Collection, CollectionRow, CollectionSchema } from '../model/collection.ts'
import { type Listing, listingOf } from '../model/page.ts'
import { rowsOf } from './rows.ts'

const Params = v.strictObject({})
const Value = listingOf(CollectionSchema)

/** All collections: few, and changed by migrations only. */
export const collections = defineResource({
  name: 'collections',
  namespace: 'api',
  parseParams: (input) => v.parse(Params, input),
  key: () => ({ entity: 'collections', id: 'all' }),
  tags: (_value: Listing<Collection> | null) => [],
  load: (db) => ({
    statements: [
      db.prepare('SELECT id, name, description, created_at AS createdAt FROM collections ORDER BY id'),
    ],
    decode: (results) => {
      const data = rowsOf(CollectionRow, results)
      return { data, meta: { total: data.length } }
    },
  }),
  parse: (json) => v.parse(Value, json),
})
