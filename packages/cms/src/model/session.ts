import * as v from 'valibot'
import { RoleSchema } from './permissions.ts'
import { TimeColumn, TimeSchema } from './time.ts'

/** Who a session token speaks for, and until when. */
export const SessionValueSchema = v.object({
  userId: v.string(),
  email: v.string(),
  name: v.string(),
  role: RoleSchema,
  expiresAt: TimeSchema,
})
export type SessionValue = v.InferOutput<typeof SessionValueSchema>

/** A row of `sessions` with its user, the columns named as the fields. */
export const SessionRow = v.object({ ...SessionValueSchema.entries, expiresAt: TimeColumn })
