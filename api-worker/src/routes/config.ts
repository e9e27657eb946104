import { ConfigInput, ConfigKeyInput, IdInput, PluginListQuery, resources } from '@freshet/cms'
import { type Context, Hono } from 'hono'
import { isAllowed, requirePermission } from '../auth/rights.ts'
import type { AppEnv } from '../context.ts'
import { readBody, readPath, readQuery } from '../http/input.ts'
import { notFound } from '../http/problem.ts'
import { readOptions, setBookmark } from '../http/read-options.ts'
import { answer, asAbsent, sendItem, sendList } from '../http/send-read.ts'
import { mismatch, sendWritten, versionFor } from '../http/send-write.ts'

const WHAT = 'configuration key'

/** `/api/config`: public keys are everybody's, the others the administrators'. */
export const configRoutes = new Hono<AppEnv>()

configRoutes.get('/:key', (c) =>
  answer(c, resources.configValue.at({ key: keyOf(c) }), 'item', (result) => {
    const isPrivate = result.found && result.label !== 'public'
    const isHidden = isPrivate && !isAllowed(c, 'config:read-private')
    return sendItem(c, isHidden ? asAbsent(result) : result, { namespace: 'config', what: WHAT, isPrivate })
  }),
)

configRoutes.put('/:key', async (c) => {
  requirePermission(c, 'config:write')
  const key = keyOf(c)
  const input = await readBody(c, ConfigInput)
  const { config } = c.get('repositories')
  // There is no representation of an entry that is yet to be made, so any If-Match fails (RFC 9110, section 13.1.1).
  const version = await versionFor(c, WHAT, (options) => config.find(key, options), mismatch)
  return sendWritten(c, await config.set(key, input, version), WHAT)
})

function keyOf(c: Context<AppEnv>): string {
  return readPath(c, 'key', ConfigKeyInput, WHAT)
}

/** `/api/plugins`: the administrators'. */
export const pluginRoutes = new Hono<AppEnv>()

pluginRoutes.get('/', async (c) => {
  requirePermission(c, 'plugins:write')
  const { status } = readQuery(c, PluginListQuery)
  const result = await c.get('repositories').plugins.findMany(status, readOptions(c, c.get('actor')))
  return sendList(c, result, { namespace: 'config', what: 'list of plugins', isPrivate: true })
})

for (const action of ['activate', 'deactivate'] as const) {
  pluginRoutes.post(`/:id/${action}`, async (c) => {
    requirePermission(c, 'plugins:write')
    const written = await c.get('repositories').plugins[action](readPath(c, 'id', IdInput, 'plugin'))
    if (written.status === 'missing') throw notFound('plugin')
    setBookmark(c, written.bookmark)
    c.header('Cache-Control', 'no-store')
    return c.json({ data: written.value })
  })
}
