import * as v from 'valibot'
import { type JsonObject, JsonObjectColumn, JsonObjectSchema } from './json.ts'
import { TimeColumn, TimeSchema } from './time.ts'

/** What a content item can be. Readers without rights see `published` only. */
export const CONTENT_STATUSES = ['draft', 'published', 'archived'] as const
export type ContentStatus = (typeof CONTENT_STATUSES)[number]

const AuthorSchema = v.object({ id: v.string(), name: v.string() })

const FeaturedMediaSchema = v.object({
  id: v.string(),
  filename: v.string(),
  mimeType: v.string(),
  url: v.string(),
  alt: v.string(),
  width: v.nullable(v.number()),
  height: v.nullable(v.number()),
})

/** A content item as it is answered. The order of the fields is the order in the text, so the text is deterministic. */
export const ContentItemSchema = v.object({
  id: v.string(),
  collection: v.string(),
  slug: v.string(),
  title: v.string(),
  status: v.picklist(CONTENT_STATUSES),
  version: v.number(),
  data: JsonObjectSchema,
  author: v.nullable(AuthorSchema),
  featuredMedia: v.nullable(FeaturedMediaSchema),
  createdAt: TimeSchema,
  updatedAt: TimeSchema,
  publishedAt: v.nullable(TimeSchema),
})
export type ContentItem = v.InferOutput<typeof ContentItemSchema>

/** What a slug leads to. The item itself is cached once, under its id. */
export const ContentRefSchema = v.object({ id: v.string() })
export type ContentRef = v.InferOutput<typeof ContentRefSchema>

/** A row of `content` with what it shows besides itself, the columns named as the fields. */
export const ContentRow = v.object({
  ...ContentItemSchema.entries,
  data: JsonObjectColumn,
  author: v.nullable(v.pipe(v.string(), v.parseJson(), AuthorSchema)),
  featuredMedia: v.nullable(v.pipe(v.string(), v.parseJson(), FeaturedMediaSchema)),
  createdAt: TimeColumn,
  updatedAt: TimeColumn,
  publishedAt: v.nullable(TimeColumn),
})

/** Whether data marks its item as featured: as the generated column `featured` has it. */
export function isFeatured(data: JsonObject): boolean {
  return data.featured === true
}
