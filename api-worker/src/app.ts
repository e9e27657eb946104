import { CacheWarmer, DatabaseUnavailableError, SettingsError } from '@freshet/cache-core'
import { ConstraintError, resources, warmPlans } from '@freshet/cms'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { cors } from 'hono/cors'
import { HTTPException } from 'hono/http-exception'
import { secureHeaders } from 'hono/secure-headers'
import { authenticate } from './auth/authenticate.ts'
import { type AppEnv, cacheOf, Repositories } from './context.ts'
import { dashboard } from './dashboard/dashboard.tsx'
import { ADMIN_PATH, adminError } from './http/admin.ts'
import { DEBUG_HEADER, EXPLAIN_HEADER, explainingReads } from './http/explain-reads.ts'
import { MAX_BODY_BYTES } from './http/input.ts'
import { noRoute } from './http/no-route.ts'
import { Problem, problemResponse } from './http/problem.ts'
import { remembering } from './http/remember.ts'
import { logLine, REQUEST_ID_HEADER, withRequestId } from './http/request-id.ts'
import { adminCacheRoutes } from './routes/admin-cache.ts'
import { authRoutes } from './routes/auth.ts'
import { configRoutes, pluginRoutes } from './routes/config.ts'
import { contentRoutes } from './routes/content.ts'
import { eventRoutes } from './routes/events.ts'
import { mediaRoutes } from './routes/media.ts'
import { userRoutes } from './routes/users.ts'
import { setupFor } from './setup.ts'

const EXPOSED = [
  'ETag',
  'Cache-Status',
  'Cache-Bookmark',
  'X-Cache-Status',
  'X-Cache-Source',
  'X-Cache-TTL',
  'Server-Timing',
  REQUEST_ID_HEADER,
  EXPLAIN_HEADER,
  'Location',
]

/** The HTTP surface of DESIGN.md. */
export const app = new Hono<AppEnv>()

app.use(remembering)

// First of all others, so that whatever fails has an id to be found by.
app.use(withRequestId)

// An API answers JSON, to any page that CORS lets in: what guards pages from each other has no place here.
app.use(
  secureHeaders({
    crossOriginOpenerPolicy: false,
    crossOriginResourcePolicy: false,
    originAgentCluster: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
    xFrameOptions: 'DENY',
    // With none at all, browsers also hide the origin of a page's own forms, and those would be taken for another site's.
    referrerPolicy: 'same-origin',
  }),
)

app.use((c, next) => {
  const setup = setupFor(c.env)
  c.set('setup', setup)
  const cache = cacheOf(c.env, setup, (promise) => c.executionCtx.waitUntil(promise), c.get('requestId'))
  c.set('cache', cache)
  c.set('repositories', new Repositories(cache))
  return next()
})

app.use(async (c, next) => {
  const { corsOrigins } = c.get('setup')
  if (corsOrigins.length === 0) return next()
  const isOpen = corsOrigins.includes('*')
  return cors({
    origin: isOpen ? '*' : [...corsOrigins],
    credentials: !isOpen,
    allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    allowHeaders: [
      'Authorization',
      'Content-Type',
      'If-Match',
      'If-None-Match',
      'Cache-Control',
      'Cache-Bookmark',
      DEBUG_HEADER,
    ],
    exposeHeaders: EXPOSED,
    maxAge: 86_400,
  })(c, next)
})

app.get('/health', (c) => {
  c.header('Cache-Control', 'no-store')
  return c.json({ status: 'ok' })
})

// After /health, which asks nothing of anybody: whether the Worker runs is all that it tells.
app.use(async (c, next) => {
  const setup = c.get('setup')
  const { settings, isolate, flusher } = setup
  if (!settings.enabled) return next()
  const waitUntil = (promise: Promise<unknown>) => c.executionCtx.waitUntil(promise)
  if (!setup.isWarmed) {
    setup.isWarmed = true
    const io = { db: c.env.DB, kv: c.env.CACHE, events: null, waitUntil }
    const warmer = new CacheWarmer(
      resources,
      warmPlans(async () => []),
    )
    waitUntil(warmer.warmOnStartup(isolate, io).catch(() => 0))
  }
  await next()
  flusher.after(c.env.STATS, waitUntil)
})

app.use(
  bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: () => {
      throw new Problem(413, `The body is larger than ${MAX_BODY_BYTES} bytes.`)
    },
  }),
)
// Those who call it have no sessions: they sign what they send.
app.route('/events', eventRoutes)
app.use(authenticate)
app.use(explainingReads)

app.route('/auth', authRoutes)
app.route('/api', contentRoutes)
app.route('/api/media', mediaRoutes)
app.route('/api/users', userRoutes)
app.route('/api/config', configRoutes)
app.route('/api/plugins', pluginRoutes)
app.use(`${ADMIN_PATH}/*`, dashboard({ routes: adminCacheRoutes, problemOf, answerProblem }))
app.route(ADMIN_PATH, adminCacheRoutes)

app.notFound((c) => answerProblem(c, noRoute(app, c.req)))

app.onError((error, c) => answerProblem(c, problemOf(error, c.get('requestId'))))

/** The operator's part has an envelope of its own, for errors from wherever they come. */
function answerProblem(c: Context<AppEnv>, problem: Problem): Response {
  return c.req.path.startsWith(ADMIN_PATH) ? adminError(c, problem) : problemResponse(c, problem)
}

/** What a client is told of an error. Unknown ones are logged, and kept to ourselves. */
function problemOf(error: Error, requestId?: string): Problem {
  if (error instanceof Problem) return error
  if (error instanceof ConstraintError) {
    return new Problem(422, `${error.field}: ${error.message}`, {
      errors: [{ field: error.field, message: error.message }],
    })
  }
  if (error instanceof SettingsError)
    return new Problem(503, `The Worker is not configured well: ${error.message}`)
  if (error instanceof DatabaseUnavailableError) {
    logLine('error', requestId, { error: String(error) })
    return new Problem(503, 'The database does not answer. Try again shortly.', {
      headers: { 'Retry-After': '5' },
    })
  }
  if (error instanceof HTTPException && error.status === 403) {
    return new Problem(403, 'This request comes from a page of another site.')
  }
  logLine('error', requestId, { error: error.stack ?? String(error) })
  return new Problem(500, 'Something went wrong here.')
}
