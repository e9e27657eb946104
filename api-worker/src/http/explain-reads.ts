import { explainReads, type ReadDecision } from '@freshet/cache-core'
import { createMiddleware } from 'hono/factory'
import { isAllowed } from '../auth/rights.ts'
import type { AppEnv } from '../context.ts'

/** Asks for it, and carries it. */
export const DEBUG_HEADER = 'Cache-Debug'
export const EXPLAIN_HEADER = 'Cache-Explain'

/** A request reads a handful of values; one that reads more is told of no more. */
const MAX_DECISIONS = 100

/**
 * With an administrator's `Cache-Debug: 1`, tells in `Cache-Explain` how each read of the request was answered. Such an answer
 * is of the moment, so no store may keep it. Nobody else is told, or pays for it.
 */
export const explainingReads = createMiddleware<AppEnv>(async function explainingReads(c, next) {
  if (c.req.header(DEBUG_HEADER) !== '1' || !isAllowed(c, 'cache:admin')) return next()
  const decisions: ReadDecision[] = []
  c.get('cache').tellDecisions((decision) => {
    if (decisions.length < MAX_DECISIONS) decisions.push(decision)
  })
  await next()
  c.header(EXPLAIN_HEADER, await explainReads(c.get('setup').isolate, c.env.DB, decisions))
  c.header('Cache-Control', 'private, no-store')
})
