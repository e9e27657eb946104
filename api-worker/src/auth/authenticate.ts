import { DatabaseUnavailableError } from '@freshet/cache-core'
import type { Context } from 'hono'
import { getCookie } from 'hono/cookie'
import { csrf } from 'hono/csrf'
import { createMiddleware } from 'hono/factory'
import type { Actor, AppEnv } from '../context.ts'
import { Problem } from '../http/problem.ts'
import { readOptions } from '../http/read-options.ts'
import { hashToken } from './token.ts'

/** Name of the session cookie. The prefix keeps other hosts and plain HTTP from setting it (RFC 6265bis, section 4.1.3.2). */
export const SESSION_COOKIE = '__Host-freshet'

const READS = ['GET', 'HEAD', 'OPTIONS']

/** Checks the origin of what a page of another site could send with our cookie and without a preflight: forms. */
export const sameSite = csrf({ origin: isOwnOrigin })

function isOwnOrigin(origin: string, c: Context): boolean {
  return origin === new URL(c.req.url).origin || c.get('setup').corsOrigins.includes(origin)
}

/** Whether the request says that it comes from a page that may not write here. A browser says so with each write. */
function isForeignWrite(c: Context<AppEnv>): boolean {
  const origin = c.req.header('Origin')
  return !READS.includes(c.req.method) && origin !== undefined && !isOwnOrigin(origin, c)
}

/**
 * Finds out who asks: by `Authorization: Bearer`, or else by the session cookie. A bad Bearer token is an error, since
 * somebody meant it; a cookie that ran out is nobody's.
 */
export const authenticate = createMiddleware<AppEnv>(async function authenticate(c, next) {
  const header = c.req.header('Authorization')
  if (header !== undefined) {
    const token = /^Bearer +([A-Za-z0-9._~+/=-]{1,512})$/i.exec(header)?.[1]
    const actor = token === undefined ? null : await actorOf(c, token)
    if (actor === null) {
      throw new Problem(401, 'The token is not valid (any more): log in at POST /auth/login.', {
        headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
      })
    }
    c.set('actor', actor)
    return next()
  }
  const cookie = getCookie(c, SESSION_COOKIE)
  const actor = cookie ? await actorOf(c, cookie).catch((error) => unrecognised(c, error)) : null
  c.set('actor', actor)
  if (actor === null) return next()
  if (isForeignWrite(c)) throw new Problem(403, 'This request comes from a page of another site.')
  return sameSite(c, next)
})

/** While D1 is down nobody can be recognised; what is public can still be read, as it is by anybody. */
function unrecognised(c: Context<AppEnv>, error: unknown): null {
  if (!(error instanceof DatabaseUnavailableError)) throw error
  c.set('isUnrecognised', true)
  return null
}

async function actorOf(c: Context<AppEnv>, token: string): Promise<Actor | null> {
  const hash = await hashToken(token)
  const session = await c.get('repositories').sessions.find(hash, readOptions(c, null))
  return session && { session, hash }
}
