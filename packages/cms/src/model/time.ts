import * as v from 'valibot'

/** A time in an answer: ISO 8601 in UTC. */
export const TimeSchema = v.pipe(v.string(), v.isoTimestamp())

/** A time in D1, turned into one of an answer. */
export const TimeColumn = v.pipe(
  v.number(),
  v.safeInteger(),
  v.transform((ms) => new Date(ms).toISOString()),
)
