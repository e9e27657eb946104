import { type LogEvent, PatternError, parsePattern, systemRuntime } from '@freshet/cache-core'
import { parseEventMessage, quarantine } from '@freshet/cache-core/pipeline'
import { EventError, patternsOf } from '@freshet/cms'
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import { sha256 } from '../auth/sha256.ts'
import { isSigned } from '../auth/webhook.ts'
import type { AppEnv } from '../context.ts'
import { readBody } from '../http/input.ts'
import { Problem } from '../http/problem.ts'
import { setBookmark } from '../http/read-options.ts'
import { orUnavailable } from '../http/unavailable.ts'

/** What the dead letters that came in here are said to come from. */
const ORIGIN = 'POST /events'

/** Only what an answer needs is asked of an event: whatever else does not fit is kept, with the reason. */
const EventInput = v.looseObject({
  id: v.pipe(
    v.string(),
    v.minLength(1, 'must not be empty'),
    v.maxLength(200, 'must have at most 200 characters'),
  ),
})
type EventInput = v.InferOutput<typeof EventInput>

const ManyInput = v.strictObject({
  events: v.pipe(
    v.array(EventInput),
    v.minLength(1, 'must hold an event'),
    v.maxLength(100, 'must hold at most 100 events'),
  ),
})
const OneInput = v.pipe(
  EventInput,
  v.transform((event) => ({ events: [event] })),
)
const Input = v.lazy((input) =>
  typeof input === 'object' && input !== null && 'events' in input ? ManyInput : OneInput,
)

/** What became of one event. */
interface Outcome {
  id: string
  result: 'logged' | 'duplicate' | 'quarantined'
  /** Why it was quarantined. */
  reason?: string
}

/** `/events`: what outside producers tell. Whoever has the secret may; nobody else is known here. */
export const eventRoutes = new Hono<AppEnv>()

eventRoutes.post('/', async (c) => {
  await requireSignature(c)
  const { events } = await readBody(c, Input)
  const cache = c.get('cache')
  const judged = events.map(judge)
  const fit = judged.filter((one) => 'event' in one)
  const letters = await Promise.all(
    judged.flatMap((one) => ('event' in one ? [] : [letterOf(one.input, one.reason)])),
  )
  const now = systemRuntime.now()
  const kept = letters.map(({ reason, ...letter }) => quarantine(cache.db, ORIGIN, letter, reason, now))
  const { changes, bookmark } = await orUnavailable(
    cache.log(
      fit.map(({ event }) => event),
      kept,
    ),
  )
  const logged = new Map(fit.map((one, i) => [one, changes[i]?.changed === true]))
  const outcomes = judged.map(
    (one): Outcome =>
      'event' in one
        ? { id: one.event.id, result: logged.get(one) ? 'logged' : 'duplicate' }
        : { id: one.input.id, result: 'quarantined', reason: one.reason },
  )
  setBookmark(c, bookmark)
  c.header('Cache-Control', 'no-store')
  return c.json({ data: outcomes }, 202)
})

/** Before anything of the body is looked at. @throws Problem 503 without a secret, 401 for what none of ours signed */
async function requireSignature(c: Context<AppEnv>): Promise<void> {
  const { eventSecrets } = c.get('setup')
  if (eventSecrets.length === 0) {
    throw new Problem(503, 'Events are not taken over HTTP here: the secret EVENTS_SECRET is not set.')
  }
  const request = {
    id: c.req.header('webhook-id'),
    timestamp: c.req.header('webhook-timestamp'),
    signatures: c.req.header('webhook-signature'),
    body: await c.req.text(),
  }
  if (await isSigned(request, eventSecrets, systemRuntime.now())) return
  throw new Problem(
    401,
    'The request is not signed well, or not within the last five minutes: see standardwebhooks.com for webhook-id, webhook-timestamp and webhook-signature.',
    { headers: { 'WWW-Authenticate': 'Standard-Webhooks' } },
  )
}

type Judged = { event: LogEvent } | { input: EventInput; reason: string }

/** An event with what it invalidates, or why nobody knows that. */
function judge(input: EventInput): Judged {
  const parsed = parseEventMessage({ v: 1, payload: null, ...input })
  if ('problem' in parsed) return { input, reason: parsed.problem }
  const { id, type, payload } = parsed.message
  try {
    return { event: { id, type, payload, patterns: patternsOf(type, payload).map(parsePattern) } }
  } catch (error) {
    if (error instanceof EventError || error instanceof PatternError) return { input, reason: error.message }
    throw error
  }
}

/** The same event again is the same letter; another one, also of the same id, is another. */
async function letterOf(input: EventInput, reason: string) {
  const body = { v: 1, payload: null, ...input }
  return { id: await sha256(JSON.stringify(body)), body, attempts: 1, reason }
}
