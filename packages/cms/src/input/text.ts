import * as v from 'valibot'

/** The longest id that is stored or looked up. Ids from outside are any text; only their length is bounded. */
const MAX_ID = 1024

/** An id from outside. */
export const IdInput = v.pipe(v.string(), v.nonEmpty('must not be empty'), v.maxLength(MAX_ID))

/** The id of a collection, as people write it in a URL. */
export const CollectionIdInput = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9-]{0,63}$/, 'must be 1 to 64 of a-z, 0-9 and -, a letter first'),
)

/** The last part of an item's address: lower-case words joined by hyphens. */
export const SlugInput = v.pipe(
  v.string(),
  v.maxLength(200),
  v.regex(
    /^[a-z0-9]+(?:-[a-z0-9]+)*$/,
    'must be lower-case letters and digits, words joined by single hyphens',
  ),
)

/** @returns the schema of one line of text: no control characters, which end lines and corrupt logs */
export function lineInput(min: number, max: number) {
  return v.pipe(
    v.string(),
    v.minLength(min, `must have at least ${min} characters`),
    v.maxLength(max, `must have at most ${max} characters`),
    v.regex(/^\P{Cc}*$/u, 'must not hold control characters'),
  )
}

/** Refuses an update that names nothing to change. */
export function notEmpty<T extends object>() {
  return v.check<T, string>(
    (fields) => Object.keys(fields).length > 0,
    'must name at least one field to change',
  )
}
