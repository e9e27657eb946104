import { createMiddleware } from 'hono/factory'
import type { AppEnv } from '../context.ts'

/** Carries it to the client. */
export const REQUEST_ID_HEADER = 'X-Request-Id'

/** Cloudflare's own id of a request, such as `8c1d5f6f3b1e2d3a-FRA`. */
const RAY = /^[0-9a-f]{16}(?:-[A-Z]{3})?$/

/** The id of a request: its ray where it has one, so that our lines are found beside the platform's; else one of our own. */
export function requestIdOf(ray: string | undefined): string {
  return ray !== undefined && RAY.test(ray) ? ray : crypto.randomUUID()
}

/** Gives each request its id, for the lines that are logged of it, and hands it to the client. */
export const withRequestId = createMiddleware<AppEnv>(async function withRequestId(c, next) {
  const id = requestIdOf(c.req.header('cf-ray'))
  c.set('requestId', id)
  await next()
  c.header(REQUEST_ID_HEADER, id)
})

/** A line of JSON in the log, of a request. */
export function logLine(
  level: 'info' | 'error',
  requestId: string | undefined,
  what: Readonly<Record<string, unknown>>,
): void {
  console[level](JSON.stringify({ level, ...(requestId !== undefined && { requestId }), ...what }))
}
