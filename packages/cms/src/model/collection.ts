import * as v from 'valibot'
import { TimeColumn, TimeSchema } from './time.ts'

/** A collection, which content belongs to. */
export const CollectionSchema = v.object({
  id: v.string(),
  name: v.string(),
  description: v.string(),
  createdAt: TimeSchema,
})
export type Collection = v.InferOutput<typeof CollectionSchema>

/** A row of `collections`, its columns named as the fields. */
export const CollectionRow = v.object({ ...CollectionSchema.entries, createdAt: TimeColumn })
