import type { Database, Statement } from '../ports.ts'
import type { QueueMessage } from './queue.ts'

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
  return db.prepare(INSERT).bind(message.id, queue, textOf(message.body), reason, message.attempts, now)
}

/** Consumes the dead-letter queue: without this, a queue keeps a message four days and then drops it. */
export async function handleDeadLetters(
  queue: string,
  messages: readonly QueueMessage[],
  deps: { db: Database; now(): number },
): Promise<void> {
  const now = deps.now()
  await deps.db.batch(messages.map((message) => quarantine(deps.db, queue, message, 'retries used up', now)))
  for (const message of messages) message.ack()
}
