import { defineResource } from '@freshet/cache-core'
import * as v from 'valibot'
import { ConfigKeyInput } from '../input/config.ts'
import { ConfigRow, type ConfigValue, ConfigValueSchema } from '../model/config.ts'
import { rowOf } from './rows.ts'

const Params = v.strictObject({ key: ConfigKeyInput })

/** One entry of the configuration. The label tells who may read it. */
export const configValue = defineResource({
  name: 'configValue',
  namespace: 'config',
  parseParams: (input) => v.parse(Params, input),
  key: ({ key }) => ({ entity: 'value', id: key }),
  tags: (_value: ConfigValue | null) => [],
  label: ({ isPublic }) => (isPublic ? 'public' : 'private'),
  isPublic: (label) => label === null || label === 'public',
  load: (db, { key }) => ({
    statements: [
      db
        .prepare(
          'SELECT key, value, is_public AS isPublic, version, updated_at AS updatedAt FROM config WHERE key = ?',
        )
        .bind(key),
    ],
    decode: (results) => rowOf(ConfigRow, results),
  }),
  parse: (json) => v.parse(ConfigValueSchema, json),
})
