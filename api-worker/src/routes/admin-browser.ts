import { type BrowsedKey, browseKv, browseMemory, type Isolate, parseKey } from '@freshet/cache-core'
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import type { AppEnv } from '../context.ts'
import { success } from '../http/admin.ts'
import { explanationOf, withValues } from '../http/explanation.ts'
import { readQuery } from '../http/input.ts'
import { requireNamespace } from '../http/namespace.ts'
import { NO_CURSOR, timeOf } from '../http/page.ts'
import { Problem } from '../http/problem.ts'

const LIMIT = 'must be a whole number from 1 to 1000'

const Query = v.strictObject({
  tier: v.optional(v.picklist(['memory', 'kv'], 'must be memory or kv'), 'memory'),
  namespace: v.optional(v.string()),
  /** After the namespace where one is given. */
  prefix: v.optional(v.string(), ''),
  limit: v.optional(
    v.pipe(v.string(), v.regex(/^(?:[1-9]\d{0,2}|1000)$/, LIMIT), v.transform(Number)),
    '100',
  ),
  cursor: v.optional(v.string()),
})

/** `/admin/cache/browser`: what the tiers hold. */
export const adminBrowserRoutes = new Hono<AppEnv>()

adminBrowserRoutes.get('/', async (c) => {
  const { tier, namespace, prefix, limit, cursor } = readQuery(c, Query)
  const { isolate } = c.get('setup')
  const whole = namespace === undefined ? prefix : `${requireNamespace(namespace)}:${prefix}`
  const query = { prefix: whole, limit, cursor }
  const page = tier === 'memory' ? memoryPage(isolate, query) : await kvPage(c, query)
  return c.json(
    success({
      tier,
      scope: tier === 'memory' ? 'isolate' : 'all',
      namespace: namespace ?? null,
      prefix,
      judgedBy: tier === 'memory' ? 'key and tags' : 'key',
      ...page,
      items: page.items.map(withTimes),
      fence: isolate.getStats().fence,
    }),
  )
})

adminBrowserRoutes.get('/:namespace/:key', async (c) => {
  const { namespace, key } = c.req.param()
  return c.json(success(withValues(await explanationOf(c, `${requireNamespace(namespace)}:${key}`))))
})

type PageQuery = Parameters<typeof browseMemory>[1]

/** @throws Problem 400 for a cursor that is no key of this list */
function memoryPage(isolate: Isolate, query: PageQuery) {
  const { cursor, prefix } = query
  if (cursor !== undefined && (parseKey(cursor) === null || !cursor.startsWith(prefix))) throw noCursor()
  return browseMemory(isolate, query)
}

/** Before KV's own cursors, so that others are told from them: where KV takes one that is none, it may find nothing there. */
const KV_CURSOR = 'kv.'

/** @throws Problem 400 for a cursor that is none, 503 while KV does not answer */
async function kvPage(c: Context<AppEnv>, { cursor, ...query }: PageQuery) {
  if (cursor?.startsWith(KV_CURSOR) === false) throw noCursor()
  try {
    const from = cursor?.slice(KV_CURSOR.length)
    const page = await browseKv(c.get('setup').isolate, c.env.CACHE, { ...query, cursor: from })
    return { ...page, next: page.next && KV_CURSOR + page.next }
  } catch (error) {
    // The first page was listed with the same prefix and limit.
    if (cursor !== undefined && /\b400\b/.test(String(error))) throw noCursor()
    throw new Problem(503, `KV does not list its keys: ${String(error)}`)
  }
}

function noCursor(): Problem {
  return new Problem(400, `cursor: ${NO_CURSOR}`)
}

function withTimes(one: BrowsedKey) {
  return { ...one, loadedAt: timeOf(one.loadedAt), expiresAt: timeOf(one.expiresAt) }
}
