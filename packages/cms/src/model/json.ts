import * as v from 'valibot'

/** A JSON object whose fields nothing here looks into. */
export type JsonObject = Readonly<Record<string, unknown>>

/** SQLite's JSON functions give up at 1,000 levels; nobody writes a tenth of that by hand. */
const MAX_DEPTH = 64
const TOO_DEEP = `must not nest deeper than ${MAX_DEPTH} levels`

/**
 * A JSON object, kept as it is: `v.record` would copy it and drop keys such as `constructor`. For values that were
 * parsed from JSON text.
 */
export const JsonObjectSchema = v.custom<JsonObject>(isObject, 'must be a JSON object')

/** A JSON object from a request. */
export const JsonObjectInput = v.pipe(
  JsonObjectSchema,
  v.check((value) => isShallow(value), TOO_DEEP),
)

/** Any JSON value from a request. */
export const JsonValueInput = v.pipe(
  v.unknown(),
  v.check((value) => isShallow(value), TOO_DEEP),
)

/** A column that holds a JSON object as text. */
export const JsonObjectColumn = v.pipe(v.string(), v.parseJson(), JsonObjectSchema)

/** A column that holds any JSON value as text. */
export const JsonColumn = v.pipe(v.string(), v.parseJson())

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Walks level by level, so that depth costs no stack. */
function isShallow(value: unknown): boolean {
  let level = [value]
  for (let depth = 0; depth <= MAX_DEPTH; depth++) {
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
    if (level.length === 0) return true
  }
  return false
}
