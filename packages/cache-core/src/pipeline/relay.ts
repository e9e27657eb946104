import * as v from 'valibot'
import type { Database, MessageQueue } from '../ports.ts'
import { backlogOf } from './backlog.ts'
import { eventBatches } from './message.ts'

/** Rows sent again in one run. */
const MAX_ROWS = 500
/** Nothing is sent while so much waits already: it would only wait behind that, twice. */
const MAX_BACKLOG = 1_000
/** A row is sent again this long after its last send, twice as long each time, up to an hour. */
const FIRST_DELAY_MS = 30_000
const LONGEST_DELAY_MS = 3_600_000
/** 30 s doubled this often is past an hour. */
const MAX_DOUBLINGS = 7

const DUE = `SELECT event_id, type, payload FROM invalidation_log
WHERE processed_at IS NULL
AND coalesce(sent_at, created_at) + min(${LONGEST_DELAY_MS}, ${FIRST_DELAY_MS} << min(sends, ${MAX_DOUBLINGS})) <= ?1
ORDER BY seq LIMIT ${MAX_ROWS}`
/** Sent, and neither processed nor due again: on their way, as far as anybody knows. */
const ON_THEIR_WAY = `SELECT count(*) AS n FROM (SELECT 1 FROM invalidation_log
WHERE processed_at IS NULL AND sends > 0
AND sent_at + min(${LONGEST_DELAY_MS}, ${FIRST_DELAY_MS} << min(sends, ${MAX_DOUBLINGS})) > ?1
LIMIT ${MAX_BACKLOG + 1})`
const SENT = `UPDATE invalidation_log SET sent_at = ?2, sends = sends + 1
WHERE event_id IN (SELECT value FROM json_each(?1))`

const CountRow = v.object({ n: v.number() })
const DueRow = v.object({
  event_id: v.string(),
  type: v.string(),
  payload: v.pipe(v.string(), v.parseJson()),
})

/**
 * Sends events again that nobody has processed: whatever a queue loses, the log still has.
 * None while a backlog shows that nothing was lost: the consumer is merely behind.
 * @param now clock, ms
 * @returns how many were sent
 */
export async function relay(db: Database, events: MessageQueue, now: number): Promise<number> {
  if (((await backlogOf(events)) ?? 0) > MAX_BACKLOG) return 0
  const [result, waiting] = await db.batch([db.prepare(DUE).bind(now), db.prepare(ON_THEIR_WAY).bind(now)])
  if ((v.parse(v.array(CountRow), waiting?.results)[0]?.n ?? 0) > MAX_BACKLOG) return 0
  const due = v.parse(v.array(DueRow), result?.results)
  if (due.length === 0) return 0
  const batches = eventBatches(due.map(({ event_id: id, type, payload }) => ({ id, type, payload })))
  for (const batch of batches) {
    await events.sendBatch(batch)
    // Noted batch by batch, so that a queue that takes only some is not sent those again a minute later.
    await db.batch([db.prepare(SENT).bind(JSON.stringify(batch.map(({ body }) => body.id)), now)])
  }
  return due.length
}
