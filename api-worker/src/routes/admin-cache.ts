import { PatternError, parsePattern, type WriteResult } from '@freshet/cache-core'
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import { requirePermission } from '../auth/rights.ts'
import type { AppEnv } from '../context.ts'
import { success } from '../http/admin.ts'
import { readBody } from '../http/input.ts'
import { isNamespace, KNOWN_NAMESPACES, requireNamespace } from '../http/namespace.ts'
import { Problem } from '../http/problem.ts'
import { setBookmark } from '../http/read-options.ts'
import { orUnavailable } from '../http/unavailable.ts'
import { analyticsRoutes } from './admin-analytics.ts'
import { adminBrowserRoutes } from './admin-browser.ts'
import { deadLetterRoutes } from './admin-dead-letters.ts'
import { adminExplainRoutes } from './admin-explain.ts'
import { adminHealthRoutes } from './admin-health.ts'
import { invalidationRoutes } from './admin-invalidations.ts'
import { metricsRoutes } from './admin-metrics.ts'
import { statsRoutes } from './admin-stats.ts'
import { verificationRoutes } from './admin-verification.ts'
import { warmRoutes } from './admin-warm.ts'
import { warmingRoutes } from './admin-warming.ts'

const InvalidateInput = v.strictObject({
  pattern: v.string(),
  /** Puts the pattern under a namespace: `item:*` of `content` is `content:item:*`. */
  namespace: v.exactOptional(v.string()),
  /** Whether what it matches is taken out of KV as well. */
  hard: v.exactOptional(v.boolean()),
})

/** `/admin/cache`, for administrators. Answers are `{success, data | message, timestamp}`, errors `{success: false, error}`. */
export const adminCacheRoutes = new Hono<AppEnv>()

// First of all, before any route: nothing here is for anybody else.
adminCacheRoutes.use(async (c, next) => {
  requirePermission(c, 'cache:admin')
  c.header('Cache-Control', 'no-store')
  await next()
})

// Browsers are shown the dashboard instead, and never come here.
adminCacheRoutes.get('/', () => {
  throw new Problem(
    404,
    'This is the dashboard, for browsers: ask for text/html. Programs ask /admin/cache/stats, /health, /analytics, /explain?key= and the others of docs/http-api.md.',
  )
})

adminCacheRoutes.route('/health', adminHealthRoutes)
adminCacheRoutes.route('/explain', adminExplainRoutes)
adminCacheRoutes.route('/browser', adminBrowserRoutes)
adminCacheRoutes.route('/verification', verificationRoutes)
adminCacheRoutes.route('/warm', warmRoutes)
adminCacheRoutes.route('/dead-letters', deadLetterRoutes)
adminCacheRoutes.route('/invalidations', invalidationRoutes)
adminCacheRoutes.route('/warming', warmingRoutes)
adminCacheRoutes.route('/stats', statsRoutes)
adminCacheRoutes.route('/analytics', analyticsRoutes)
adminCacheRoutes.route('/metrics', metricsRoutes)

adminCacheRoutes.post('/invalidate', async (c) => {
  const { pattern, namespace, hard } = await readBody(c, InvalidateInput)
  const whole = checked(namespace === undefined ? pattern : `${requireNamespace(namespace)}:${pattern}`)
  return sendPurged(c, whole, c.get('cache').invalidate(whole, { hard: hard ?? false }), doubtOf(whole))
})

adminCacheRoutes.post('/clear', (c) => sendPurged(c, '*', c.get('cache').clear()))

adminCacheRoutes.post('/clear/:namespace', (c) => {
  const namespace = requireNamespace(c.req.param('namespace'))
  return sendPurged(c, `${namespace}:*`, c.get('cache').clear(namespace))
})

async function sendPurged(
  c: Context<AppEnv>,
  pattern: string,
  purge: Promise<WriteResult>,
  message?: string,
): Promise<Response> {
  const { bookmark } = await orUnavailable(purge)
  setBookmark(c, bookmark)
  return c.json({ ...success({ pattern, bookmark }), ...(message !== undefined && { message }) })
}

/** A pattern that begins with no namespace is rather mistyped; but keys and tags may begin with anything. */
function doubtOf(pattern: string): string | undefined {
  const [first = ''] = pattern.split(':')
  if (first === '*' || isNamespace(first)) return undefined
  return `It is in the log, but no namespace is called "${first}", so it may match nothing. There are: ${KNOWN_NAMESPACES}.`
}

function checked(pattern: string): string {
  try {
    return parsePattern(pattern)
  } catch (error) {
    if (error instanceof PatternError) throw new Problem(400, error.message)
    throw error
  }
}
