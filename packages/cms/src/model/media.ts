import * as v from 'valibot'
import { TimeColumn, TimeSchema } from './time.ts'

/** What is known of a file; its bytes are elsewhere, at `url`. */
export const MediaItemSchema = v.object({
  id: v.string(),
  filename: v.string(),
  mimeType: v.string(),
  size: v.number(),
  width: v.nullable(v.number()),
  height: v.nullable(v.number()),
  alt: v.string(),
  url: v.string(),
  version: v.number(),
  createdAt: TimeSchema,
  updatedAt: TimeSchema,
})
export type MediaItem = v.InferOutput<typeof MediaItemSchema>

/** A row of `media`, its columns named as the fields. */
export const MediaRow = v.object({ ...MediaItemSchema.entries, createdAt: TimeColumn, updatedAt: TimeColumn })
