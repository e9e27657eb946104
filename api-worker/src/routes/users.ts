import { hashPassword, IdInput, UserCreateInput, UserUpdateInput } from '@freshet/cms'
import { type Context, Hono } from 'hono'
import { requireActor, requirePermission } from '../auth/rights.ts'
import type { AppEnv } from '../context.ts'
import { readBody, readPath } from '../http/input.ts'
import { Problem } from '../http/problem.ts'
import { readOptions } from '../http/read-options.ts'
import { sendItem } from '../http/send-read.ts'
import { sendRemoved, sendWritten, versionFor } from '../http/send-write.ts'

const WHAT = 'user'

/** `/api/users`: everybody reads their own profile, administrators all of them. */
export const userRoutes = new Hono<AppEnv>()

userRoutes.get('/:id', async (c) => {
  const id = ownOrAny(c)
  const result = await c.get('repositories').users.findById(id, readOptions(c, c.get('actor')))
  return sendItem(c, result, { namespace: 'user', what: WHAT })
})

userRoutes.get('/:id/permissions', async (c) => {
  const id = ownOrAny(c)
  const result = await c.get('repositories').users.findPermissions(id, readOptions(c, c.get('actor')))
  return sendItem(c, result, { namespace: 'user', what: WHAT })
})

userRoutes.post('/', async (c) => {
  requirePermission(c, 'users:write')
  const { password, ...user } = await readBody(c, UserCreateInput)
  const passwordHash = password === undefined ? null : await hashPassword(password)
  const written = await c.get('repositories').users.create({ ...user, passwordHash })
  if (written.value !== null) c.header('Location', `/api/users/${encodeURIComponent(written.value.id)}`)
  return sendWritten(c, written, WHAT, 201)
})

userRoutes.put('/:id', async (c) => {
  requirePermission(c, 'users:write')
  const { password, ...user } = await readBody(c, UserUpdateInput)
  if (user.role !== undefined && user.role !== 'admin')
    refuseSelf(c, 'take the role of an administrator from themselves')
  const input = password === undefined ? user : { ...user, passwordHash: await hashPassword(password) }
  return sendWritten(
    c,
    await c.get('repositories').users.update(idOf(c), input, await expectedVersion(c)),
    WHAT,
  )
})

userRoutes.delete('/:id', async (c) => {
  requirePermission(c, 'users:write')
  refuseSelf(c, 'remove themselves')
  return sendRemoved(c, await c.get('repositories').users.delete(idOf(c), await expectedVersion(c)), WHAT)
})

function idOf(c: Context<AppEnv>): string {
  return readPath(c, 'id', IdInput, WHAT)
}

/** So that there is always somebody left who can. @throws Problem 409 */
function refuseSelf(c: Context<AppEnv>, what: string): void {
  if (requireActor(c).session.userId === idOf(c))
    throw new Problem(409, `Nobody can ${what}: another administrator has to.`)
}

function ownOrAny(c: Context<AppEnv>): string {
  const id = idOf(c)
  if (requireActor(c).session.userId !== id) requirePermission(c, 'users:read')
  return id
}

function expectedVersion(c: Context<AppEnv>): Promise<number | undefined> {
  return versionFor(c, WHAT, (options) => c.get('repositories').users.findById(idOf(c), options))
}
