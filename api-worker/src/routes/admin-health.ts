import { DatabaseUnavailableError, systemRuntime } from '@freshet/cache-core'
import { backlogOf, type PipelineState, pipelineState } from '@freshet/cache-core/pipeline'
import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { type Health, judgeFigures, THRESHOLDS, worst } from '../health.ts'
import { success } from '../http/admin.ts'

/** `/admin/cache/health`: this isolate's breakers and fence, and the pipeline that all isolates share. */
export const adminHealthRoutes = new Hono<AppEnv>()

adminHealthRoutes.get('/', async (c) => {
  const [state, backlog] = await Promise.all([stateOf(c), backlogOf(c.env.EVENTS)])
  const oldest = state?.oldestUnprocessedAt ?? null
  const figures = {
    deadLetters: state?.deadLetters ?? null,
    oldestUnprocessedSeconds:
      state === null
        ? null
        : Math.max(0, Math.floor((systemRuntime.now() - (oldest ?? systemRuntime.now())) / 1000)),
    backlog,
  }
  // After the question: if it failed, its breaker may be open now.
  const { kv, d1, fence } = c.get('cache').getStats()
  const checks: Record<string, Health> = {
    d1: d1.open || state === null ? 'critical' : 'ok',
    kv: kv.open ? 'warning' : 'ok',
    // A fence that was never asked for is that of an idle isolate, which is healthy.
    fence: fence.epoch === null ? 'idle' : 'ok',
    ...judgeFigures(figures),
  }
  const pipeline = { ...figures, unprocessed: state?.unprocessed ?? null }
  const status = worst(Object.values(checks))
  return c.json(success({ scope: 'isolate', status, checks, fence, pipeline, thresholds: THRESHOLDS }))
})

/** Null while D1 does not answer: health is asked for then most of all. */
async function stateOf(c: Context<AppEnv>): Promise<PipelineState | null> {
  const cache = c.get('cache')
  try {
    return await cache.query(pipelineState(cache.db))
  } catch (error) {
    if (error instanceof DatabaseUnavailableError) return null
    throw error
  }
}
