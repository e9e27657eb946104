import { systemRuntime } from '@freshet/cache-core'
import {
  type FleetSpan,
  popularRecipes,
  TREND_SPANS,
  type TrendSpan,
  trendOf,
} from '@freshet/cache-core/pipeline'
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import type { AppEnv } from '../context.ts'
import { success } from '../http/admin.ts'
import { readQuery } from '../http/input.ts'
import { requireNamespace } from '../http/namespace.ts'
import { limitQuery, timeOf } from '../http/page.ts'
import { orUnavailable } from '../http/unavailable.ts'
import { withKey } from '../popular.ts'
import {
  ask,
  DAY_MS,
  HOUR_MS,
  recommendations,
  spanForPeople,
  spanOf,
  trendForPeople,
} from '../statistics.ts'

const SPANS = Object.keys(TREND_SPANS)
const isSpan = (text: string): text is TrendSpan => Object.hasOwn(TREND_SPANS, text)
const TrendQuery = v.strictObject({
  span: v.optional(v.pipe(v.string(), v.guard(isSpan, `must be one of ${SPANS.join(', ')}`)), 'hour'),
  namespace: v.optional(v.string()),
})
const TopQuery = v.strictObject({ limit: limitQuery })

/** Keys that the summary shows. */
const FIRST_KEYS = 10

/** `/admin/cache/analytics`: what the fleet did, over time, and what to make of it. */
export const analyticsRoutes = new Hono<AppEnv>()

analyticsRoutes.get('/', async (c) => {
  const now = systemRuntime.now()
  const [hour, week, { day, items }, topKeys] = await Promise.all([
    spanOf(c, HOUR_MS, now),
    spanOf(c, 7 * DAY_MS, now),
    recommendations(c, now),
    topKeysOf(c, FIRST_KEYS, now),
  ])
  return c.json(
    success({
      lastHour: spanForPeople(hour),
      lastDay: spanForPeople(day),
      lastWeek: spanForPeople(week),
      namespaces: byShare(day),
      topKeys,
      recommendations: items,
    }),
  )
})

analyticsRoutes.get('/trends', async (c) => {
  const { span, namespace: name } = readQuery(c, TrendQuery)
  const namespace = name === undefined ? null : requireNamespace(name)
  const trend = await ask(c, (db) => trendOf(db, { span, namespace }, systemRuntime.now()))
  return c.json(success(trend && trendForPeople(trend)))
})

analyticsRoutes.get('/top-keys', async (c) => {
  const { limit } = readQuery(c, TopQuery)
  return c.json(success({ items: await topKeysOf(c, limit, systemRuntime.now()) }))
})

analyticsRoutes.get('/recommendations', async (c) => {
  const { day, items } = await recommendations(c, systemRuntime.now())
  return c.json(success({ from: timeOf(day.from), to: timeOf(day.to), items }))
})

async function topKeysOf(c: Context<AppEnv>, cap: number, now: number) {
  const { cache, setup } = c.var
  const popular = await orUnavailable(popularRecipes(cache.db, { share: 1, cap }, now))
  return popular.map((one) => withKey(setup.isolate, one))
}

function byShare({ total, namespaces }: FleetSpan) {
  return Object.entries(namespaces)
    .map(([namespace, { reads, hitRate, saved }]) => ({
      namespace,
      share: total.reads === 0 ? 0 : reads / total.reads,
      hitRate,
      savedQueries: saved.queries,
    }))
    .sort((a, b) => b.share - a.share)
}
