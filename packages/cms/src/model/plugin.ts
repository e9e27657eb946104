import * as v from 'valibot'
import { JsonObjectColumn, JsonObjectSchema } from './json.ts'
import { TimeColumn, TimeSchema } from './time.ts'

/** What a plugin can be. */
const PLUGIN_STATUSES = ['active', 'inactive'] as const
export type PluginStatus = (typeof PLUGIN_STATUSES)[number]

/** An installed plugin. */
export const PluginSchema = v.object({
  id: v.string(),
  name: v.string(),
  version: v.string(),
  status: v.picklist(PLUGIN_STATUSES),
  settings: JsonObjectSchema,
  updatedAt: TimeSchema,
})
export type Plugin = v.InferOutput<typeof PluginSchema>

/** A row of `plugins`, its columns named as the fields. */
export const PluginRow = v.object({
  ...PluginSchema.entries,
  settings: JsonObjectColumn,
  updatedAt: TimeColumn,
})
