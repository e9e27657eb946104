import { systemRuntime } from '@freshet/cache-core'
import {
  backlogOf,
  FLEET,
  fleetFigures,
  OPEN_METRICS_TYPE,
  openMetrics,
  outcomesSince,
  pipelineState,
  sumsSince,
} from '@freshet/cache-core/pipeline'
import { CACHE_CONFIGS } from '@freshet/cms'
import { Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { ask, DAY_MS } from '../statistics.ts'

/** What the number of isolates is a mean of. */
const ISOLATES_MS = 5 * 60_000

/**
 * `/admin/cache/metrics`: the fleet as OpenMetrics text. Counters begin anew at midnight UTC, as counters may: so that no more than a
 * day's hours has to be added up for each scrape.
 */
export const metricsRoutes = new Hono<AppEnv>()

metricsRoutes.get('/', async (c) => {
  const { setup } = c.var
  const now = systemRuntime.now()
  const since = now - (now % DAY_MS)
  const [sums, recent, outcomes, pipeline, events, stats] = await Promise.all([
    ask(c, (db) => sumsSince(db, since, now)),
    ask(c, (db) => sumsSince(db, now - ISOLATES_MS, now)),
    ask(c, (db) => outcomesSince(db, since)),
    ask(c, pipelineState),
    backlogOf(c.env.EVENTS),
    backlogOf(c.env.STATS),
  ])
  const deltas = Object.keys(CACHE_CONFIGS).map(
    (name) => [name, setup.isolate.policy(name).maxStalenessMs] as const,
  )
  const text = openMetrics({
    sums: sums ?? {},
    since,
    namespaces: Object.fromEntries(deltas),
    events: outcomes?.events ?? {},
    warmJobs: outcomes?.warmJobs ?? {},
    pipeline,
    backlogs: { 'cache-events': events, 'cache-stats': stats },
    isolates: fleetFigures(recent?.[FLEET] ?? {}, ISOLATES_MS).isolates,
    now,
  })
  return c.body(text, 200, { 'Content-Type': OPEN_METRICS_TYPE })
})
