import { defineResource } from '@freshet/cache-core'
import * as v from 'valibot'
import { type Listing, listingOf } from '../model/page.ts'
import { type Plugin, PluginRow, PluginSchema } from '../model/plugin.ts'
import { rowsOf } from './rows.ts'

const Params = v.strictObject({ status: v.picklist(['active', 'all']) })
const Value = listingOf(PluginSchema)

/** The installed plugins, or the active ones of them. */
export const plugins = defineResource({
  name: 'plugins',
  namespace: 'config',
  parseParams: (input) => v.parse(Params, input),
  key: ({ status }) => ({ entity: 'plugins', id: status }),
  tags: (_value: Listing<Plugin> | null) => [],
  // Over HTTP administrators alone see either list; but which are active decides what every page of a site does.
  isPublic: (_label, { status }) => status === 'active',
  load: (db, { status }) => {
    const condition = status === 'active' ? "WHERE status = 'active'" : ''
    return {
      statements: [
        db.prepare(
          `SELECT id, name, version, status, settings, updated_at AS updatedAt FROM plugins ${condition} ORDER BY id`,
        ),
      ],
      decode: (results) => {
        const data = rowsOf(PluginRow, results)
        return { data, meta: { total: data.length } }
      },
    }
  },
  parse: (json) => v.parse(Value, json),
})
