import * as v from 'valibot'

const LIMIT = 'must be a whole number from 1 to 100'

/** Query parameter of a list: how much of it. */
export const limitQuery = v.optional(
  v.pipe(v.string(), v.regex(/^(?:[1-9]\d?|100)$/, LIMIT), v.transform(Number)),
  '20',
)

/** What is said of a place in a list that is none. */
export const NO_CURSOR = 'must be what "next" of the page before is'

/** Query parameters of a list that is read page by page: how much, and `next` of the page before, which looks so. */
export function pageQuery(next: RegExp) {
  return { limit: limitQuery, cursor: v.optional(v.pipe(v.string(), v.regex(next, NO_CURSOR))) }
}

/** A clock of the log, for people; null stays null. */
export function timeOf(ms: number): string
export function timeOf(ms: number | null): string | null
export function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
