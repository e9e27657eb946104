import { may, type Permission } from '@freshet/cms'
import type { Context } from 'hono'
import type { Actor, AppEnv } from '../context.ts'
import { Problem } from '../http/problem.ts'

/** Whether the caller may do something; anonymous callers have no permissions of their own. */
export function isAllowed(c: Context<AppEnv>, permission: Permission): boolean {
  const actor = c.get('actor')
  return actor !== null && may(actor.session.role, permission)
}

/** What is said while sessions cannot be looked up: to log in again would not help. */
export const UNRECOGNISED = 'D1 is not reachable, so nobody can be recognised. Try again shortly.'

/** @throws Problem 401 for anonymous callers; 503 where they may be somebody, and D1 does not say who */
export function requireActor(c: Context<AppEnv>): Actor {
  const actor = c.get('actor')
  if (actor === null) {
    if (c.get('isUnrecognised')) throw new Problem(503, UNRECOGNISED, { headers: { 'Retry-After': '5' } })
    throw new Problem(401, 'Log in first: POST /auth/login, then send Authorization: Bearer TOKEN.', {
      headers: { 'WWW-Authenticate': 'Bearer' },
    })
  }
  return actor
}

/** @throws Problem as `requireActor` does; 403 for those without the permission */
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
