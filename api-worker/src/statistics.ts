import type { Database, Query } from '@freshet/cache-core'
import {
  type FleetSpan,
  fleetSpan,
  type Recommendation,
  recommend,
  type Trend,
  widePatterns,
} from '@freshet/cache-core/pipeline'
import { CACHE_CONFIGS } from '@freshet/cms'
import type { Context } from 'hono'
import type { AppEnv } from './context.ts'
import { timeOf } from './http/page.ts'

export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS

/** Asks D1 past the counters: who looks at the statistics must not change them. @throws DatabaseUnavailableError */
export async function ask<T>(c: Context<AppEnv>, query: (db: Database) => Query<T>): Promise<T | null> {
  const db: Database = c.env.DB
  const { statements, decode } = query(db)
  return decode(await c.get('setup').isolate.sql.read(db, statements))
}

/** What the fleet did until now, in the time before. */
export async function spanOf(c: Context<AppEnv>, spanMs: number, now: number): Promise<FleetSpan> {
  const found = await ask(c, (db) => fleetSpan(db, spanMs, now))
  if (found === null) throw new Error('a span of time always has figures')
  return found
}

/** What the last day suggests. */
export async function recommendations(
  c: Context<AppEnv>,
  now: number,
): Promise<{ day: FleetSpan; items: Recommendation[] }> {
  const [day, patterns] = await Promise.all([spanOf(c, DAY_MS, now), ask(c, widePatterns)])
  return { day, items: recommend(day, CACHE_CONFIGS, patterns ?? []) }
}

/** With times for people. */
export function spanForPeople({ from, to, ...figures }: FleetSpan) {
  return { from: timeOf(from), to: timeOf(to), ...figures }
}

/** With times for people. */
export function trendForPeople({ from, to, points, ...trend }: Trend) {
  return {
    ...trend,
    from: timeOf(from),
    to: timeOf(to),
    points: points.map((point) => ({ ...point, at: timeOf(point.at) })),
  }
}
