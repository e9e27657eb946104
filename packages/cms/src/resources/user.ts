import { defineResource } from '@freshet/cache-core'
import * as v from 'valibot'
import { IdInput } from '../input/text.ts'
import { type Permissions, PermissionsSchema, permissionsOf, RoleSchema } from '../model/permissions.ts'
import { type UserProfile, UserProfileSchema, UserRow } from '../model/user.ts'
import { activityTag } from './names.ts'
import { rowOf } from './rows.ts'

const Params = v.strictObject({ id: IdInput })
const RoleRow = v.object({ role: RoleSchema })

/** A user's own view of themselves. Its tag besides its key is moved by a log-in, which nothing else shows. */
export const userProfile = defineResource({
  name: 'userProfile',
  namespace: 'user',
  parseParams: (input) => v.parse(Params, input),
  key: ({ id }) => ({ entity: 'profile', id }),
  tags: (_user: UserProfile | null, { id }) => [activityTag(id)],
  load: (db, { id }) => ({
    statements: [
      db
        .prepare(
          `SELECT id, email, name, role, version, created_at AS createdAt, updated_at AS updatedAt,
             last_login_at AS lastLoginAt FROM users WHERE id = ?`,
        )
        .bind(id),
    ],
    decode: (results) => rowOf(UserRow, results),
  }),
  parse: (json) => v.parse(UserProfileSchema, json),
})

/** What a user may do. */
export const userPermissions = defineResource({
  name: 'userPermissions',
  namespace: 'user',
  parseParams: (input) => v.parse(Params, input),
  key: ({ id }) => ({ entity: 'permissions', id }),
  tags: (_permissions: Permissions | null) => [],
  load: (db, { id }) => ({
    statements: [db.prepare('SELECT role FROM users WHERE id = ?').bind(id)],
    decode: (results) => {
      const row = rowOf(RoleRow, results)
      return row === null ? null : permissionsOf(row.role)
    },
  }),
  parse: (json) => v.parse(PermissionsSchema, json),
})
