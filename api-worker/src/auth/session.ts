import { type LoginInput, verifyPassword } from '@freshet/cms'
import type { Context } from 'hono'
import { deleteCookie, setCookie } from 'hono/cookie'
import type { InferOutput } from 'valibot'
import type { AppEnv } from '../context.ts'
import { Problem } from '../http/problem.ts'
import { setBookmark } from '../http/read-options.ts'
import { SESSION_COOKIE } from './authenticate.ts'
import { requireActor } from './rights.ts'
import { hashToken, newToken } from './token.ts'

const SESSION_SECONDS = 12 * 3600

/**
 * Begins a session and sets its cookie.
 * @throws Problem 401 for a wrong address or password: one answer for both, after the same work
 */
export async function logIn(c: Context<AppEnv>, { email, password }: InferOutput<typeof LoginInput>) {
  const { users, sessions } = c.get('repositories')
  const user = await users.findForLogin(email)
  const isRight = await verifyPassword(password, user?.passwordHash ?? null)
  // One answer for both mistakes, after the same work: it does not tell which addresses exist.
  if (user?.passwordHash == null || !isRight) throw wrongCredentials()

  const token = newToken()
  const expiresAt = Date.now() + SESSION_SECONDS * 1000
  const hash = await hashToken(token)
  const { id: userId, passwordHash } = user
  const { bookmark } = await sessions.create({ hash, userId, expiresAt, passwordHash })
  // Somebody changed the password, or removed the user, while it was being checked.
  if (bookmark === null) throw wrongCredentials()

  setCookie(c, SESSION_COOKIE, token, {
    path: '/',
    httpOnly: true,
    secure: true,
    sameSite: 'Lax',
    maxAge: SESSION_SECONDS,
  })
  setBookmark(c, bookmark)
  return { token, expiresAt, user }
}

/** Ends the caller's session. @throws Problem 401 where there is none */
export async function logOut(c: Context<AppEnv>): Promise<void> {
  const { hash } = requireActor(c)
  const { bookmark } = await c.get('repositories').sessions.logout(hash)
  deleteCookie(c, SESSION_COOKIE, { path: '/', secure: true })
  setBookmark(c, bookmark)
}

function wrongCredentials(): Problem {
  return new Problem(401, 'E-mail address or password are wrong.')
}
