import { systemRuntime } from '@freshet/cache-core'
import {
  backlogOf,
  type LaneBacklog,
  laneBacklogs,
  popularRecipes,
  recentCounts,
} from '@freshet/cache-core/pipeline'
import { Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { success } from '../http/admin.ts'
import { timeOf } from '../http/page.ts'
import { orUnavailable } from '../http/unavailable.ts'
import { withKey } from '../popular.ts'
import { DAY_MS, HOUR_MS, spanOf } from '../statistics.ts'
import { summarizeLanes, summarizeWarming } from '../warming.ts'

/** Popular keys that are shown. */
const SHOWN = 50

/** `/admin/cache/warming`: what was warmed, what it was good for, and what would be warmed next. */
export const warmingRoutes = new Hono<AppEnv>()

warmingRoutes.get('/', async (c) => {
  const cache = c.get('cache')
  const now = systemRuntime.now()
  const [counts, hour, day, popular, events, stats, lanes] = await Promise.all([
    cache.query(recentCounts(cache.db, now)),
    spanOf(c, HOUR_MS, now),
    spanOf(c, DAY_MS, now),
    orUnavailable(popularRecipes(cache.db, { share: 1, cap: SHOWN }, now)),
    backlogOf(c.env.EVENTS),
    backlogOf(c.env.STATS),
    cache.query(laneBacklogs(cache.db)),
  ])
  const { isolate } = c.get('setup')
  return c.json(
    success({
      lastFiveMinutes: summarizeLanes(counts?.minutes ?? {}),
      lastHour: summarizeWarming(counts?.hour ?? {}, hour.total),
      lastDay: summarizeWarming(counts?.day ?? {}, day.total),
      popular: popular.map((one) => withKey(isolate, one)),
      backlogs: { events, stats },
      // What the consumer saw last: the lanes are its own queues.
      laneBacklogs: { high: forPeople(lanes?.high), low: forPeople(lanes?.low) },
    }),
  )
})

function forPeople(backlog: LaneBacklog | undefined) {
  return backlog === undefined ? null : { waiting: backlog.waiting, at: timeOf(backlog.at) }
}
