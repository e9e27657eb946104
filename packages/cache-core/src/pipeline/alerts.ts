import * as v from 'valibot'
import { sleep, withDeadline } from '../deadline.ts'
import type { Database, KeyValueStore, Runtime } from '../ports.ts'
import { recentViolations } from '../verify/violation.ts'
import { pipelineState } from './admin.ts'
import { type HealthFigures, judgeHealth } from './health.ts'

/** Who is told has this long to answer. */
const WEBHOOK_DEADLINE_MS = 10_000
const D1_DEADLINE_MS = 5_000
const KV_DEADLINE_MS = 5_000
/** Where it is noted that D1 is known to be down, since D1 cannot note that itself. */
const DOWN_NAME = 'freshet:alert:d1'
const DOWN_TTL_SECONDS = 7 * 86_400
/** KV takes one write of a name in a second. */
const KV_WRITE_PAUSE_MS = 1_100

/** Who is told is called like this: `fetch`, as far as it is used here. */
export type CallWebhook = (
  url: string,
  init: { method: 'POST'; headers: Record<string, string>; body: string },
) => Promise<{ ok: boolean; status: number }>

/** What alerting needs. */
export interface AlertDeps {
  db: Database
  kv: KeyValueStore
  url: string
  isKvOpen: boolean
  backlog: number | null
  call: CallWebhook
  runtime: Runtime
}

type Told = 'ok' | 'critical'

const TOLD = 'SELECT status, since FROM cache_alerts WHERE id = 1'
const ToldRow = v.object({ status: v.picklist(['ok', 'critical']), since: v.number() })
const NOTE = `INSERT INTO cache_alerts (id, status, since) VALUES (1, ?1, ?2)
ON CONFLICT (id) DO UPDATE SET status = excluded.status, since = excluded.since`

/**
 * Tells a webhook when health becomes critical, and when it is not critical any more: each once. A call that fails is made again the next
 * time. To be called each minute, never twice at a time.
 * @returns in words what was done, for the report
 * @throws Error when the webhook does not take it
 */
export async function alertOnHealth(deps: AlertDeps): Promise<string> {
  const { db, kv, runtime, isKvOpen, backlog } = deps
  const now = runtime.now()
  const figures: Omit<HealthFigures, 'd1'> = {
    isKvOpen,
    deadLetters: null,
    oldestUnprocessedSeconds: null,
    backlog,
    violations: null,
  }
  const known = await stateOf(db, runtime, now)
  const down = await isKnownDown(kv, runtime)
  if (known === null) {
    if (down) return 'still critical'
    // Noted first: should KV be down as well, a call each minute would be worse than none.
    const options = { expirationTtl: DOWN_TTL_SECONDS, metadata: { since: now } }
    await withDeadline(runtime, kv.put(DOWN_NAME, String(now), options), KV_DEADLINE_MS, 'a KV write')
    try {
      return await tell(deps, 'critical', { ...figures, d1: 'does not answer' })
    } catch (error) {
      // Refused, it would stay, and nobody would ever be told.
      await sleep(runtime, KV_WRITE_PAUSE_MS)
      await kv.delete(DOWN_NAME)
      throw error
    }
  }
  const whole: HealthFigures = { ...figures, ...known.figures, d1: 'answers' }
  const status: Told = judgeHealth(whole).status === 'critical' ? 'critical' : 'ok'
  const before: Told = down ? 'critical' : (known.told?.status ?? 'ok')
  if (status === before && !down) return status === 'ok' ? 'nothing to tell' : 'still critical'
  const said = status === before ? 'still critical' : await tell(deps, status, whole)
  await db.batch([db.prepare(NOTE).bind(status, now)])
  if (down) await kv.delete(DOWN_NAME)
  return said
}

/** Null while D1 does not answer. */
async function stateOf(db: Database, runtime: Runtime, now: number) {
  try {
    const pipeline = pipelineState(db)
    const recent = recentViolations(db, now)
    const asking = db.batch([...pipeline.statements, ...recent.statements, db.prepare(TOLD)])
    const results = await withDeadline(runtime, asking, D1_DEADLINE_MS, 'a D1 read')
    const state = pipeline.decode(results)
    const found = recent.decode(results.slice(pipeline.statements.length))
    const [told] = v.parse(v.array(ToldRow), results.at(-1)?.results)
    if (state === null || found === null) return null
    const { deadLetters, oldestUnprocessedAt: oldest } = state
    const { violations } = found
    const oldestUnprocessedSeconds = oldest === null ? 0 : Math.max(0, Math.floor((now - oldest) / 1000))
    return { told: told ?? null, figures: { deadLetters, violations, oldestUnprocessedSeconds } }
  } catch {
    return null
  }
}

/** A KV that does not answer knows of nothing. */
async function isKnownDown(kv: KeyValueStore, runtime: Runtime): Promise<boolean> {
  try {
    const reading = kv.getWithMetadata(DOWN_NAME, { type: 'text', cacheTtl: 30 })
    return (await withDeadline(runtime, reading, KV_DEADLINE_MS, 'a KV read')).value !== null
  } catch {
    return false
  }
}

async function tell(
  { url, call, runtime }: AlertDeps,
  status: Told,
  figures: HealthFigures,
): Promise<string> {
  const { checks } = judgeHealth(figures)
  const bad = checks.filter((check) => check.status === 'critical')
  const text =
    status === 'critical'
      ? `Freshet is critical: ${bad.map(({ name, says }) => `${name}: ${says}`).join('; ')}`
      : 'Freshet is not critical any more'
  const body = JSON.stringify({ status, text, since: new Date(runtime.now()).toISOString(), checks })
  const calling = call(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
  // An error may quote the URL, which is a secret.
  const answer = await withDeadline(runtime, calling, WEBHOOK_DEADLINE_MS, 'the webhook').catch((error) => {
    throw new Error(String(error).replaceAll(url, 'ALERT_WEBHOOK_URL'))
  })
  if (!answer.ok) throw new Error(`the webhook answered ${answer.status}`)
  return status === 'critical' ? 'told that it is critical' : 'told that it is not critical any more'
}
