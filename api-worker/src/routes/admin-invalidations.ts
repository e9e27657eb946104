import { type Invalidation, invalidationPage } from '@freshet/cache-core/pipeline'
import { Hono } from 'hono'
import * as v from 'valibot'
import type { AppEnv } from '../context.ts'
import { success } from '../http/admin.ts'
import { requireKey } from '../http/explanation.ts'
import { readQuery } from '../http/input.ts'
import { pageQuery, timeOf } from '../http/page.ts'

const PageQuery = v.strictObject({
  ...pageQuery(/^\d{1,15}$/),
  type: v.optional(v.string()),
  /** A key or a tag: what has invalidated it? */
  key: v.optional(v.string()),
})

/** `/admin/cache/invalidations`: the log, for people. */
export const invalidationRoutes = new Hono<AppEnv>()

invalidationRoutes.get('/', async (c) => {
  const cache = c.get('cache')
  const query = readQuery(c, PageQuery)
  if (query.key !== undefined) requireKey(c, query.key)
  const page = await cache.query(invalidationPage(cache.db, query))
  return c.json(success({ items: page?.items.map(withTimes), next: page?.next ?? null }))
})

function withTimes(one: Invalidation) {
  return {
    ...one,
    createdAt: timeOf(one.createdAt),
    sentAt: timeOf(one.sentAt),
    receivedAt: timeOf(one.receivedAt),
    sweptAt: timeOf(one.sweptAt),
    processedAt: timeOf(one.processedAt),
  }
}
