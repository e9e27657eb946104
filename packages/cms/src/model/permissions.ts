import * as v from 'valibot'

/** What a user can be. */
export const ROLES = ['admin', 'editor', 'viewer'] as const
export type Role = (typeof ROLES)[number]
export const RoleSchema = v.picklist(ROLES)

/** What a user may do, beyond what anybody may: read published content, media and public configuration. */
const PERMISSIONS = [
  'content:read-unpublished',
  'content:write',
  'media:write',
  'users:read',
  'users:write',
  'config:read-private',
  'config:write',
  'plugins:write',
  'cache:admin',
] as const
export type Permission = (typeof PERMISSIONS)[number]

/** Everybody may read their own profile and permissions; that needs no entry here. */
const BY_ROLE: Readonly<Record<Role, readonly Permission[]>> = {
  admin: PERMISSIONS,
  editor: ['content:read-unpublished', 'content:write', 'media:write'],
  viewer: [],
}

/** A role with what it allows. */
export const PermissionsSchema = v.object({ role: RoleSchema, permissions: v.array(v.picklist(PERMISSIONS)) })
export type Permissions = v.InferOutput<typeof PermissionsSchema>

/** @returns what a role allows */
export function permissionsOf(role: Role): Permissions {
  return { role, permissions: [...BY_ROLE[role]] }
}

/** Whether a role allows something. */
export function may(role: Role, permission: Permission): boolean {
  return BY_ROLE[role].includes(permission)
}
