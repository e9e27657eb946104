import { LoginInput } from '@freshet/cms'
import { Hono } from 'hono'
import { requireActor } from '../auth/rights.ts'
import { logIn, logOut } from '../auth/session.ts'
import type { AppEnv } from '../context.ts'
import { readBody } from '../http/input.ts'

/** `/auth`: sessions. Their cookie is for browsers, their token for everybody else. */
export const authRoutes = new Hono<AppEnv>()

authRoutes.post('/login', async (c) => {
  const { token, expiresAt, user } = await logIn(c, await readBody(c, LoginInput))
  const { id, email, name, role } = user
  c.header('Cache-Control', 'no-store')
  return c.json({
    data: { token, expiresAt: new Date(expiresAt).toISOString(), user: { id, email, name, role } },
  })
})

authRoutes.post('/logout', async (c) => {
  await logOut(c)
  c.header('Cache-Control', 'no-store')
  return c.body(null, 204)
})

authRoutes.get('/me', (c) => {
  const { userId, email, name, role } = requireActor(c).session
  c.header('Cache-Control', 'private, no-store')
  return c.json({ data: { id: userId, email, name, role } })
})
