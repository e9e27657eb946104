import { digest } from '../keys/hash.ts'
import { parsePattern } from '../keys/pattern.ts'
import { append } from '../log/append.ts'
import type { Database, Statement } from '../ports.ts'
import { isOwn, parsePipelineMessage } from './message.ts'
import type { PipelineReport, QueueMessage } from './queue.ts'
import { parseWarmMessage, recipeText } from './warm-job.ts'

const INSERT = `INSERT INTO dead_letters (id, queue, body, reason, attempts, first_seen_at, last_seen_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
ON CONFLICT (id) DO UPDATE SET last_seen_at = excluded.last_seen_at, attempts = attempts + excluded.attempts`

/** A column of D1 holds 2 MB, a message 128 KB: this never cuts one. A body may hold what JSON has no words for. */
function textOf(body: unknown): string {
  try {
    return JSON.stringify(body) ?? 'null'
  } catch {
    return JSON.stringify(String(body))
  }
}

/**
 * Puts a message where people find it. The same message again only counts up.
 * @param reason why no retry can help it
 * @param now clock, ms
 */
export function quarantine(
  db: Database,
  queue: string,
  message: Pick<QueueMessage, 'id' | 'body' | 'attempts'>,
  reason: string,
  now: number,
): Statement {
  return db.prepare(INSERT).bind(idOf(message), queue, textOf(message.body), reason, message.attempts, now)
}

/** A warm job is sent again and again, in messages of ever new ids: its letter is that of its recipe. */
function idOf({ id, body }: Pick<QueueMessage, 'id' | 'body'>): string {
  const parsed = parseWarmMessage(body)
  return 'job' in parsed ? `warm-${digest(recipeText(parsed.job.recipe))}` : id
}

/** Letters that are kept, the newest ones: a flood of them must not fill the database. */
const MOST_KEPT = 10_000

/** Drops the oldest letters past the ten thousandth. */
export function forgetLetters(db: Database): Statement {
  return db.prepare(`DELETE FROM dead_letters WHERE id IN
(SELECT id FROM dead_letters ORDER BY last_seen_at DESC LIMIT -1 OFFSET ${MOST_KEPT})`)
}

/** The longest delay that a queue takes, and the first one of a batch that cannot be kept. */
const LONGEST_DELAY_SECONDS = 43_200
const FIRST_DELAY_SECONDS = 60

/** What the dead letters' consumer needs. */
export interface DeadLettersDeps {
  db: Database
  now(): number
  /** What an outside producer's event invalidates. Throws for a type or payload that it does not know. */
  patternsOf(type: string, payload: unknown): readonly string[]
  report: PipelineReport
}

/**
 * Consumes the dead-letter queue: without this, a queue keeps a message four days and then drops it. An event needs no letter:
 * with its row in the log, an old one or a new one, it has invalidated what it invalidates, and the relay sends it again.
 */
export async function handleDeadLetters(
  queue: string,
  messages: readonly QueueMessage[],
  deps: DeadLettersDeps,
): Promise<void> {
  const { db, report } = deps
  const now = deps.now()
  try {
    const kept = messages.flatMap((message) => keep(queue, message, deps, now))
    if (kept.length > 0) await db.batch(kept)
    for (const message of messages) message.ack()
    report({ step: 'dead letters', received: messages.length, messages: messages.map(({ id }) => id) })
  } catch (error) {
    report({ step: 'dead letters failed', error: String(error), received: messages.length })
    // There is nobody behind this queue: it goes on for days.
    for (const message of messages) {
      const delaySeconds = Math.min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** (message.attempts - 1))
      message.retry({ delaySeconds })
    }
  }
}

function keep(
  queue: string,
  message: QueueMessage,
  { db, patternsOf }: DeadLettersDeps,
  now: number,
): Statement[] {
  const parsed = parsePipelineMessage(message.body)
  if (parsed.kind === 'event') {
    const { id, type, payload } = parsed.message
    // What the library logged before it sent it is in the log, or has left it.
    if (isOwn(parsed.message)) return []
    try {
      const patterns = patternsOf(type, payload).map(parsePattern)
      return [append(db, { id, type, payload, patterns }, now)]
    } catch {
      // Nobody can say what it invalidates: that is for people.
    }
  }
  return [quarantine(db, queue, message, 'retries used up', now)]
}
