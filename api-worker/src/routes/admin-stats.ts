import { type CacheConfig, DatabaseUnavailableError, systemRuntime } from '@freshet/cache-core'
import { trendOf } from '@freshet/cache-core/pipeline'
import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { success } from '../http/admin.ts'
import { requireNamespace } from '../http/namespace.ts'
import { ask, DAY_MS, HOUR_MS, spanForPeople, spanOf, trendForPeople } from '../statistics.ts'

/** `/admin/cache/stats`: what all isolates counted, and beside it what the one counted that answers. */
export const statsRoutes = new Hono<AppEnv>()

statsRoutes.get('/', async (c) => {
  const fleet = await fleetOf(c)
  return c.json(success({ scope: 'isolate', ...c.get('cache').getStats(), fleet }))
})

/** Null while D1 does not answer: what the isolate counted is wanted then most of all. */
async function fleetOf(c: Context<AppEnv>) {
  const now = systemRuntime.now()
  try {
    const [hour, day] = await Promise.all([spanOf(c, HOUR_MS, now), spanOf(c, DAY_MS, now)])
    return { lastHour: spanForPeople(hour), lastDay: spanForPeople(day) }
  } catch (error) {
    if (error instanceof DatabaseUnavailableError) return null
    throw error
  }
}

statsRoutes.get('/:namespace', async (c) => {
  const { cache, setup } = c.var
  const namespace = requireNamespace(c.req.param('namespace'))
  const now = systemRuntime.now()
  const [hour, day, trend] = await Promise.all([
    spanOf(c, HOUR_MS, now),
    spanOf(c, DAY_MS, now),
    ask(c, (db) => trendOf(db, { span: 'hour', namespace }, now)),
  ])
  return c.json(
    success({
      namespace,
      policy: policyForPeople(setup.isolate.policy(namespace)),
      lastHour: hour.namespaces[namespace] ?? null,
      lastDay: day.namespaces[namespace] ?? null,
      trend: trend && trendForPeople(trend),
      isolate: cache.getStats().namespaces[namespace] ?? null,
    }),
  )
})

function policyForPeople({ ttl, ...policy }: CacheConfig) {
  const { maxStalenessMs, staleIfErrorSeconds, memoryEnabled, kvEnabled, visibility } = policy
  return { ttlSeconds: ttl, maxStalenessMs, staleIfErrorSeconds, memoryEnabled, kvEnabled, visibility }
}
