import { LoginInput, verifyPassword } from '@freshet/cms'
import { Hono } from 'hono'
import { deleteCookie, setCookie } from 'hono/cookie'
import { SESSION_COOKIE } from '../auth/authenticate.ts'
import { requireActor } from '../auth/rights.ts'
import { hashToken, newToken } from '../auth/token.ts'
import type { AppEnv } from '../context.ts'
import { readBody } from '../http/input.ts'
import { Problem } from '../http/problem.ts'
import { setBookmark } from '../http/read-options.ts'

const SESSION_SECONDS = 12 * 3600

/** `/auth`: sessions. Their cookie is for browsers, their token for everybody else. */
export const authRoutes = new Hono<AppEnv>()

authRoutes.post('/login', async (c) => {
  const { email, password } = await readBody(c, LoginInput)
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
  c.header('Cache-Control', 'no-store')
  const { id, name, role } = user
  return c.json({
    data: {
      token,
      expiresAt: new Date(expiresAt).toISOString(),
      user: { id, email: user.email, name, role },
    },
  })
})

function wrongCredentials(): Problem {
  return new Problem(401, 'E-mail address or password are wrong.')
}

authRoutes.post('/logout', async (c) => {
  const { hash } = requireActor(c)
  const { bookmark } = await c.get('repositories').sessions.logout(hash)
  deleteCookie(c, SESSION_COOKIE, { path: '/', secure: true })
  setBookmark(c, bookmark)
  c.header('Cache-Control', 'no-store')
  return c.body(null, 204)
})

authRoutes.get('/me', (c) => {
  const { userId, email, name, role } = requireActor(c).session
  c.header('Cache-Control', 'private, no-store')
  return c.json({ data: { id: userId, email, name, role } })
})
