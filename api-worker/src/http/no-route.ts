import type { Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { ADMIN_PATH } from './admin.ts'
import { Problem } from './problem.ts'

/** What somebody is told who asked for what there is not: whether it is the path or its method that nobody knows. */
export function noRoute(
  app: Hono<AppEnv>,
  { method, path }: Readonly<{ method: string; path: string }>,
): Problem {
  const none = `There is no ${method} ${path}`
  if (path === '/')
    return new Problem(404, `${none}. Try /health, /api/content, or ${ADMIN_PATH} for administrators.`)
  // What asks about a path, as these two do, is answered as for any other.
  const known = method === 'HEAD' || method === 'OPTIONS' ? [] : methodsOf(app, path)
  if (known.length === 0) return new Problem(404, `${none}.`)
  const Allow = known.join(', ')
  return new Problem(405, `${none}: this path takes ${Allow}.`, { headers: { Allow } })
}

/** The methods that some route of a path takes, as the router finds them. */
function methodsOf({ router, routes }: Hono<AppEnv>, path: string): string[] {
  const methods = [...new Set(routes.map(({ method }) => method))].filter((method) =>
    // Middleware takes all methods, and answers none.
    router.match(method, path)[0].some(([[, route]]) => route.method === method && method !== 'ALL'),
  )
  return methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
}
