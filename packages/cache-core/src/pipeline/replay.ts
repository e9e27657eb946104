import * as v from 'valibot'
import type { Database, MessageQueue } from '../ports.ts'
import { isOwn, parsePipelineMessage } from './message.ts'
import { type Lane, lanesOf, parseWarmMessage, warmMessage } from './warm-job.ts'

const Row = v.object({ body: v.pipe(v.string(), v.parseJson()) })

/** What is needed to put dead letters back. */
export interface ReplayDeps {
  db: Database
  events: MessageQueue
  warm: Readonly<Record<Lane, MessageQueue>>
  /** Clock, ms. */
  now(): number
}

/**
 * Whether it can be put back anywhere. What passes for an event of the library's own cannot: without a row in the log it has no
 * effect, and the letter would be gone.
 */
export function isReplayable(body: unknown): boolean {
  if ('job' in parseWarmMessage(body)) return true
  const parsed = parsePipelineMessage(body)
  return parsed.kind === 'event' ? !isOwn(parsed.message) : parsed.kind !== 'poison'
}

/**
 * Puts a dead letter back into the queue that it belongs to, by what it is. Sent first and deleted then: in between it may come
 * twice, but is never lost.
 * @returns in words what became of it
 */
export async function replay(id: string, deps: ReplayDeps): Promise<string> {
  const { db, events, warm, now } = deps
  const [result] = await db.batch([db.prepare('SELECT body FROM dead_letters WHERE id = ?').bind(id)])
  const [row] = v.parse(v.array(Row), result?.results)
  if (row === undefined) return 'not there any more'
  if (!isReplayable(row.body)) return 'no message of this pipeline: it stays'
  const job = parseWarmMessage(row.body)
  if ('job' in job) {
    const lane: Lane = lanesOf([job.job]).high.length > 0 ? 'high' : 'low'
    // Its time is long over: it begins anew.
    await warm[lane].send(warmMessage({ ...job.job, deadline: undefined, bornAt: now() }))
  } else await events.send(row.body)
  await db.batch([db.prepare('DELETE FROM dead_letters WHERE id = ?').bind(id)])
  return 'sent again'
}
