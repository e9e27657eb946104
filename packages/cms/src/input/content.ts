import * as v from 'valibot'
import { CONTENT_STATUSES } from '../model/content.ts'
import { JsonObjectInput } from '../model/json.ts'
import { CollectionIdInput, IdInput, lineInput, notEmpty, SlugInput } from './text.ts'

const fields = {
  title: lineInput(1, 300),
  slug: SlugInput,
  status: v.picklist(CONTENT_STATUSES),
  data: JsonObjectInput,
  /** Null: nobody. */
  authorId: v.nullable(IdInput),
  /** Null: none. */
  featuredMediaId: v.nullable(IdInput),
}

/** Body of `POST /api/content`. */
export const ContentCreateInput = v.strictObject({
  collection: CollectionIdInput,
  ...fields,
  status: v.optional(fields.status, 'draft'),
  data: v.optional(fields.data, {}),
  authorId: v.optional(fields.authorId, null),
  featuredMediaId: v.optional(fields.featuredMediaId, null),
})
export type ContentCreate = v.InferOutput<typeof ContentCreateInput>

/** Body of `PUT /api/content/:id`: any of the fields; `data` is replaced as a whole. */
export const ContentUpdateInput = v.pipe(
  v.strictObject({
    title: v.exactOptional(fields.title),
    slug: v.exactOptional(fields.slug),
    status: v.exactOptional(fields.status),
    data: v.exactOptional(fields.data),
    authorId: v.exactOptional(fields.authorId),
    featuredMediaId: v.exactOptional(fields.featuredMediaId),
  }),
  notEmpty(),
)
export type ContentUpdate = v.InferOutput<typeof ContentUpdateInput>

/** What `POST /api/content/bulk` can do. */
export const BULK_ACTIONS = ['publish', 'unpublish', 'delete'] as const
export type BulkAction = (typeof BULK_ACTIONS)[number]

/** Body of `POST /api/content/bulk`. */
export const ContentBulkInput = v.strictObject({
  action: v.picklist(BULK_ACTIONS),
  ids: v.pipe(v.array(IdInput), v.minLength(1), v.maxLength(100, 'must be at most 100 ids')),
})
