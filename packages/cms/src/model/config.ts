import * as v from 'valibot'
import { JsonColumn } from './json.ts'
import { TimeColumn, TimeSchema } from './time.ts'

/** One entry of the site's configuration. `value` is any JSON. */
export const ConfigValueSchema = v.object({
  key: v.string(),
  value: v.unknown(),
  isPublic: v.boolean(),
  version: v.number(),
  updatedAt: TimeSchema,
})
export type ConfigValue = v.InferOutput<typeof ConfigValueSchema>

/** SQLite has no booleans. */
const BooleanColumn = v.pipe(
  v.picklist([0, 1]),
  v.transform((flag) => flag === 1),
)

/** A row of `config`, its columns named as the fields. */
export const ConfigRow = v.object({
  ...ConfigValueSchema.entries,
  value: JsonColumn,
  isPublic: BooleanColumn,
  updatedAt: TimeColumn,
})
