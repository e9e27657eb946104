import * as v from 'valibot'
import { JsonValueInput } from '../model/json.ts'

/** The key of a configuration entry. */
export const ConfigKeyInput = v.pipe(
  v.string(),
  v.regex(
    /^[a-z][a-zA-Z0-9._-]{0,63}$/,
    'must be 1 to 64 of letters, digits, ".", "_" and "-", a lower-case letter first',
  ),
)

/** Body of `PUT /api/config/:key`. Who leaves `isPublic` out leaves it as it is; a new entry is then private. */
export const ConfigInput = v.strictObject({ value: JsonValueInput, isPublic: v.exactOptional(v.boolean()) })
export type ConfigChange = v.InferOutput<typeof ConfigInput>
