import { escapeSegment, PatternError, parsePattern } from '@freshet/cache-core'
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import { requirePermission } from '../auth/rights.ts'
import type { AppEnv } from '../context.ts'
import { readBody } from '../http/input.ts'
import { Problem } from '../http/problem.ts'
import { setBookmark } from '../http/read-options.ts'

const InvalidateInput = v.strictObject({
  pattern: v.string(),
  /** Puts the pattern under a namespace: `item:*` of `content` is `content:item:*`. */
  namespace: v.exactOptional(v.string()),
})

/** Where these routes are mounted. */
export const ADMIN_PATH = '/admin/cache'

/** Errors of this surface: it knows 400, 401, 403 and 404, and 503 for what is nobody's mistake. */
export function adminError(c: Context<AppEnv>, { status, message, headers }: Problem): Response {
  const kept = ([401, 403, 404, 500, 503] as const).find((one) => one === status) ?? 400
  return c.json({ success: false, error: message }, kept, { 'Cache-Control': 'no-store', ...headers })
}

/** `/admin/cache`, for administrators. Answers are `{success, data | message, timestamp}`, errors `{success: false, error}`. */
export const adminCacheRoutes = new Hono<AppEnv>()

// First of all, before any route: nothing here is for anybody else.
adminCacheRoutes.use(async (c, next) => {
  requirePermission(c, 'cache:admin')
  c.header('Cache-Control', 'no-store')
  await next()
})

/** What this isolate counted since it started: other isolates have their own counts. */
adminCacheRoutes.get('/stats', (c) => c.json(success({ scope: 'isolate', ...c.get('cache').getStats() })))

adminCacheRoutes.get('/health', (c) => {
  const { kv, d1, fence } = c.get('cache').getStats()
  const checks = {
    d1: d1.open ? 'critical' : 'ok',
    kv: kv.open ? 'warning' : 'ok',
    // A fence that was never asked for is that of an idle isolate, which is healthy.
    fence: fence.epoch === null ? 'idle' : 'ok',
  }
  const status = d1.open ? 'critical' : kv.open ? 'warning' : 'ok'
  return c.json(success({ scope: 'isolate', status, checks, fence }))
})

adminCacheRoutes.post('/invalidate', async (c) => {
  const { pattern, namespace } = await readBody(c, InvalidateInput)
  const whole = namespace === undefined ? pattern : `${escapeSegment(namespace)}:${pattern}`
  const { bookmark } = await c.get('cache').invalidate(checked(whole))
  setBookmark(c, bookmark)
  return c.json(success({ pattern: whole, bookmark }))
})

function checked(pattern: string): string {
  try {
    return parsePattern(pattern)
  } catch (error) {
    if (error instanceof PatternError) throw new Problem(400, error.message)
    throw error
  }
}

function success<T>(data: T): { success: true; data: T; timestamp: string } {
  return { success: true, data, timestamp: new Date().toISOString() }
}
