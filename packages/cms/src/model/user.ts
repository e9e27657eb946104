import * as v from 'valibot'
import { RoleSchema } from './permissions.ts'
import { TimeColumn, TimeSchema } from './time.ts'

/** A user as it is answered: never with the password's hash. */
export const UserProfileSchema = v.object({
  id: v.string(),
  email: v.string(),
  name: v.string(),
  role: RoleSchema,
  version: v.number(),
  createdAt: TimeSchema,
  updatedAt: TimeSchema,
  lastLoginAt: v.nullable(TimeSchema),
})
export type UserProfile = v.InferOutput<typeof UserProfileSchema>

/** A row of `users`, its columns named as the fields. */
export const UserRow = v.object({
  ...UserProfileSchema.entries,
  createdAt: TimeColumn,
  updatedAt: TimeColumn,
  lastLoginAt: v.nullable(TimeColumn),
})
