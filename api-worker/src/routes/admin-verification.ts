import { systemRuntime } from '@freshet/cache-core'
import {
  forgetViolations,
  keptViolations,
  upperLimit,
  type Verified,
  type Violation,
  verified,
} from '@freshet/cache-core/pipeline'
import { Hono } from 'hono'
import * as v from 'valibot'
import type { AppEnv } from '../context.ts'
import { done, success } from '../http/admin.ts'
import { readQuery } from '../http/input.ts'
import { limitQuery, timeOf } from '../http/page.ts'

const CONFIDENCE = 0.95

const Query = v.strictObject({ limit: limitQuery })

/** `/admin/cache/verification`: what was compared with D1, and what was wrong. */
export const verificationRoutes = new Hono<AppEnv>()

verificationRoutes.get('/', async (c) => {
  const { limit } = readQuery(c, Query)
  const cache = c.get('cache')
  const { isolate, settings } = c.get('setup')
  const now = systemRuntime.now()
  const [hour, day, kept] = await Promise.all([
    cache.query(verified(cache.db, 1, now)),
    cache.query(verified(cache.db, 24, now)),
    cache.query(keptViolations(cache.db, limit)),
  ])
  return c.json(
    success({
      sample: settings.verifySample,
      confidence: CONFIDENCE,
      isolate: { ...isolate.stats.verification },
      lastHour: hour && limited(hour),
      lastDay: day && limited(day),
      violations: kept?.items.map(withTimes) ?? [],
      total: kept?.total ?? 0,
    }),
  )
})

/** Once they are understood: until then health is critical for a day. */
verificationRoutes.delete('/', async (c) => {
  const cache = c.get('cache')
  const result = await cache.query(forgetViolations(cache.db))
  return c.json(done(`forgot ${result?.forgotten ?? 0} violations`))
})

function limited<T extends Verified>({ hits, delayed }: { hits: Verified; delayed: T }) {
  const limit = ({ violations, checks }: Verified) => upperLimit(violations, checks, CONFIDENCE)
  return {
    hits: { ...hits, upperLimit: limit(hits) },
    delayed: { ...delayed, upperLimit: limit(delayed) },
  }
}

function withTimes({ at, readAt, row, served, ...violation }: Violation & { id: number; at: number }) {
  return {
    ...violation,
    at: timeOf(at),
    readAt: timeOf(readAt),
    served: { ...served, loadedAt: timeOf(served.loadedAt) },
    row: row && { ...row, createdAt: timeOf(row.createdAt) },
  }
}
