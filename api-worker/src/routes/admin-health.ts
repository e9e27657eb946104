import { DatabaseUnavailableError, systemRuntime } from '@freshet/cache-core'
import { backlogOf, judgeHealth, pipelineState, recentViolations } from '@freshet/cache-core/pipeline'
import { type Context, Hono } from 'hono'
import type { AppEnv } from '../context.ts'
import { success } from '../http/admin.ts'

/** `/admin/cache/health`: this isolate's breakers and fence, and the pipeline that all isolates share. */
export const adminHealthRoutes = new Hono<AppEnv>()

adminHealthRoutes.get('/', async (c) => {
  const [state, backlog] = await Promise.all([stateOf(c), backlogOf(c.env.EVENTS)])
  const now = systemRuntime.now()
  const oldest = state?.oldestUnprocessedAt ?? now
  const pipeline = {
    deadLetters: state?.deadLetters ?? null,
    unprocessed: state?.unprocessed ?? null,
    oldestUnprocessedSeconds: state && Math.max(0, Math.floor((now - oldest) / 1000)),
    backlog,
  }
  // After the question: if it failed, its breaker may be open now.
  const { kv, d1, fence } = c.get('cache').getStats()
  const { status, checks } = judgeHealth({
    d1: d1.open ? 'breaker open' : state === null ? 'does not answer' : 'answers',
    isKvOpen: kv.open,
    fenceAgeMs: fence.ageMs,
    ...pipeline,
    violations: state?.violations ?? null,
  })
  const behind = state && Math.max(0, state.head - fence.head)
  return c.json(success({ scope: 'isolate', status, checks, fence: { ...fence, behind }, pipeline }))
})

/** Null while D1 does not answer: health is asked for then most of all. */
async function stateOf(c: Context<AppEnv>) {
  const cache = c.get('cache')
  try {
    const [state, recent] = await Promise.all([
      cache.query(pipelineState(cache.db)),
      cache.query(recentViolations(cache.db, systemRuntime.now())),
    ])
    return state === null || recent === null ? null : { ...state, ...recent }
  } catch (error) {
    if (error instanceof DatabaseUnavailableError) return null
    throw error
  }
}
