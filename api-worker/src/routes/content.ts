import type { CacheResult } from '@freshet/cache-core'
import {
  CollectionIdInput,
  ContentBulkInput,
  ContentCreateInput,
  ContentFeedQuery,
  type ContentItem,
  ContentListQuery,
  ContentUpdateInput,
  IdInput,
  resources,
  type StatusFilter,
} from '@freshet/cms'
import { type Context, Hono } from 'hono'
import { isAllowed, requirePermission } from '../auth/rights.ts'
import type { AppEnv } from '../context.ts'
import { readBody, readPath, readQuery } from '../http/input.ts'
import { notFound } from '../http/problem.ts'
import { readOptions, setBookmark } from '../http/read-options.ts'
import { answer, asAbsent, sendItem, sendList } from '../http/send-read.ts'
import { sendRemoved, sendWritten, versionFor } from '../http/send-write.ts'

const WHAT = 'content item'

/** `/api/content` and the lists of each collection. */
export const contentRoutes = new Hono<AppEnv>()

contentRoutes.get('/collections', (c) =>
  answer(c, resources.collections.at({}), 'list', (result) =>
    sendList(c, result, { namespace: 'api', what: 'list of collections' }),
  ),
)

contentRoutes.get('/collections/:collection/content', async (c) => {
  const collection = readPath(c, 'collection', CollectionIdInput, 'collection')
  const page = readQuery(c, ContentListQuery)
  requireStatus(c, page.status)
  const { collections, content } = c.get('repositories')
  const options = readOptions(c, c.get('actor'))
  if (!(await collections.has(collection, options))) throw notFound('collection')
  const result = await content.findMany({ scope: { collection }, ...page }, options)
  return sendList(c, result, { namespace: 'api', what: 'page', isPrivate: page.status !== 'published' })
})

contentRoutes.get('/content', (c) => {
  const { featured, ...page } = readQuery(c, ContentFeedQuery)
  requireStatus(c, page.status)
  const source = featured ? resources.featured.at(page) : resources.contentFeed.at(page)
  return answer(c, source, 'list', (result) =>
    sendList(c, result, { namespace: 'api', what: 'page', isPrivate: page.status !== 'published' }),
  )
})

contentRoutes.get('/content/slug/:collection/:slug', async (c) => {
  const collection = readPath(c, 'collection', IdInput, WHAT)
  const slug = readPath(c, 'slug', IdInput, WHAT)
  const { content } = c.get('repositories')
  const options = readOptions(c, c.get('actor'))
  const found = await content.findBySlug(collection, slug, options)
  const ref = found.value()
  if (ref === null) return sendItem(c, found, { namespace: 'content', what: WHAT })
  return sendContent(c, await content.findById(ref.id, options))
})

contentRoutes.get('/content/:id', (c) => {
  const id = readPath(c, 'id', IdInput, WHAT)
  return answer(c, resources.contentItem.at({ id }), 'item', (result) => sendContent(c, result))
})

contentRoutes.post('/content', async (c) => {
  requirePermission(c, 'content:write')
  const input = await readBody(c, ContentCreateInput)
  const written = await c.get('repositories').content.create(input)
  if (written.value !== null) c.header('Location', `/api/content/${encodeURIComponent(written.value.id)}`)
  return sendWritten(c, written, WHAT, 201)
})

contentRoutes.post('/content/bulk', async (c) => {
  requirePermission(c, 'content:write')
  const { action, ids } = await readBody(c, ContentBulkInput)
  const { results, bookmark } = await c.get('repositories').content.bulk(action, ids)
  setBookmark(c, bookmark)
  c.header('Cache-Control', 'no-store')
  return c.json({ data: results, meta: { total: results.length } })
})

contentRoutes.put('/content/:id', async (c) => {
  requirePermission(c, 'content:write')
  const id = readPath(c, 'id', IdInput, WHAT)
  const input = await readBody(c, ContentUpdateInput)
  const { content } = c.get('repositories')
  return sendWritten(c, await content.update(id, input, await expectedVersion(c, id)), WHAT)
})

contentRoutes.delete('/content/:id', async (c) => {
  requirePermission(c, 'content:write')
  const id = readPath(c, 'id', IdInput, WHAT)
  return sendRemoved(c, await c.get('repositories').content.delete(id, await expectedVersion(c, id)), WHAT)
})

contentRoutes.post('/content/:id/publish', async (c) => {
  requirePermission(c, 'content:write')
  const id = readPath(c, 'id', IdInput, WHAT)
  return sendWritten(c, await c.get('repositories').content.publish(id, await expectedVersion(c, id)), WHAT)
})

contentRoutes.post('/content/:id/unpublish', async (c) => {
  requirePermission(c, 'content:write')
  const id = readPath(c, 'id', IdInput, WHAT)
  return sendWritten(c, await c.get('repositories').content.unpublish(id, await expectedVersion(c, id)), WHAT)
})

function expectedVersion(c: Context<AppEnv>, id: string): Promise<number | undefined> {
  return versionFor(c, WHAT, (options) => c.get('repositories').content.findById(id, options))
}

/** An item that is not published is there for those only who may read it; the label says so without parsing the value. */
function sendContent(c: Context<AppEnv>, result: CacheResult<ContentItem>): Response {
  const isPrivate = result.found && result.label !== 'published'
  const isHidden = isPrivate && !isAllowed(c, 'content:read-unpublished')
  return sendItem(c, isHidden ? asAbsent(result) : result, {
    namespace: 'content',
    what: WHAT,
    isPrivate,
  })
}

function requireStatus(c: Context<AppEnv>, status: StatusFilter): void {
  if (status !== 'published') requirePermission(c, 'content:read-unpublished')
}
