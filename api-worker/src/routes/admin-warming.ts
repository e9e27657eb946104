import { type Isolate, type Recipe, sourceOf, systemRuntime } from '@freshet/cache-core'
import { backlogOf, popularRecipes, recentCounts } from '@freshet/cache-core/pipeline'
import { resources } from '@freshet/cms'
import { Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { success } from '../http/admin.ts'
import { orUnavailable } from '../http/unavailable.ts'
import { summarizeWarming } from '../warming.ts'

/** Popular keys that are shown. */
const SHOWN = 50

/** `/admin/cache/warming`: what was warmed, what it was good for, and what would be warmed next. */
export const warmingRoutes = new Hono<AppEnv>()

warmingRoutes.get('/', async (c) => {
  const cache = c.get('cache')
  const now = systemRuntime.now()
  const [counts, popular, events, stats] = await Promise.all([
    cache.query(recentCounts(cache.db, now)),
    orUnavailable(popularRecipes(cache.db, { share: 1, cap: SHOWN }, now)),
    backlogOf(c.env.EVENTS),
    backlogOf(c.env.STATS),
  ])
  const { isolate } = c.get('setup')
  return c.json(
    success({
      lastHour: summarizeWarming(counts?.hour ?? {}),
      lastDay: summarizeWarming(counts?.day ?? {}),
      popular: popular.map((one) => ({ key: keyOf(isolate, one.recipe), ...one })),
      backlogs: { events, stats },
    }),
  )
})

/** Null for a recipe of a resource that is no more. */
function keyOf(isolate: Isolate, recipe: Recipe): string | null {
  try {
    return isolate.keyOf(sourceOf(resources, recipe)).path
  } catch {
    return null
  }
}
