import { IdInput, MediaCreateInput, MediaListQuery, MediaUpdateInput, resources } from '@freshet/cms'
import { type Context, Hono } from 'hono'
import { requirePermission } from '../auth/rights.ts'
import type { AppEnv } from '../context.ts'
import { readBody, readPath, readQuery } from '../http/input.ts'
import { answer, sendItem, sendList } from '../http/send-read.ts'
import { sendRemoved, sendWritten, versionFor } from '../http/send-write.ts'

const WHAT = 'media file'

/** `/api/media`: what is known of files. */
export const mediaRoutes = new Hono<AppEnv>()

mediaRoutes.get('/', (c) =>
  answer(c, resources.mediaList.at(readQuery(c, MediaListQuery)), 'list', (result) =>
    sendList(c, result, { namespace: 'api', what: 'page' }),
  ),
)

mediaRoutes.get('/:id', (c) =>
  answer(c, resources.mediaItem.at({ id: idOf(c) }), 'item', (result) =>
    sendItem(c, result, { namespace: 'media', what: WHAT }),
  ),
)

mediaRoutes.post('/', async (c) => {
  requirePermission(c, 'media:write')
  const written = await c.get('repositories').media.create(await readBody(c, MediaCreateInput))
  if (written.value !== null) c.header('Location', `/api/media/${encodeURIComponent(written.value.id)}`)
  return sendWritten(c, written, WHAT, 201)
})

mediaRoutes.put('/:id', async (c) => {
  requirePermission(c, 'media:write')
  const input = await readBody(c, MediaUpdateInput)
  return sendWritten(
    c,
    await c.get('repositories').media.update(idOf(c), input, await expectedVersion(c)),
    WHAT,
  )
})

mediaRoutes.delete('/:id', async (c) => {
  requirePermission(c, 'media:write')
  return sendRemoved(c, await c.get('repositories').media.delete(idOf(c), await expectedVersion(c)), WHAT)
})

function idOf(c: Context<AppEnv>): string {
  return readPath(c, 'id', IdInput, WHAT)
}

function expectedVersion(c: Context<AppEnv>): Promise<number | undefined> {
  return versionFor(c, WHAT, (options) => c.get('repositories').media.findById(idOf(c), options))
}
