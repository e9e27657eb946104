import * as v from 'valibot'

const LIMIT = 'must be a whole number from 1 to 100'

/** Query parameters of a list that is read page by page: how much, and `next` of the page before. */
export const pageQuery = {
  limit: v.optional(v.pipe(v.string(), v.regex(/^(?:[1-9]\d?|100)$/, LIMIT), v.transform(Number)), '20'),
  cursor: v.optional(v.string()),
}

/** A clock of the log, for people; null stays null. */
export function timeOf(ms: number): string
export function timeOf(ms: number | null): string | null
export function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
