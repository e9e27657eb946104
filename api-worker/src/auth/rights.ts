import { may, type Permission } from '@freshet/cms'
import type { Context } from 'hono'
import type { Actor, AppEnv } from '../context.ts'
import { Problem } from '../http/problem.ts'

/** Whether the caller may do something; anonymous callers have no permissions of their own. */
export function isAllowed(c: Context<AppEnv>, permission: Permission): boolean {
  const actor = c.get('actor')
  return actor !== null && may(actor.session.role, permission)
}

/** @throws Problem 401 for anonymous callers */
export function requireActor(c: Context<AppEnv>): Actor {
  const actor = c.get('actor')
  if (actor === null) {
    throw new Problem(401, 'Log in first: POST /auth/login, then send Authorization: Bearer TOKEN.', {
      headers: { 'WWW-Authenticate': 'Bearer' },
    })
  }
  return actor
}

/** @throws Problem 401 for anonymous callers, 403 for those without the permission */
export function requirePermission(c: Context<AppEnv>, permission: Permission): Actor {
  const actor = requireActor(c)
  if (!may(actor.session.role, permission)) {
    throw new Problem(
      403,
      `This needs the permission ${permission}, which ${actor.session.role}s do not have.`,
    )
  }
  return actor
}
