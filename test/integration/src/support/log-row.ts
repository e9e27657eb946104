import * as v from 'valibot'

/** What tests look at of a row of the invalidation log. */
export const LogRow = v.object({
  seq: v.number(),
  event_id: v.string(),
  type: v.string(),
  patterns: v.pipe(v.string(), v.parseJson(), v.array(v.string())),
  processed_at: v.nullable(v.number()),
})
