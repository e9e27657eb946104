import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { Problem } from './problem.ts'
import { logLine } from './request-id.ts'

/**
 * Sends what an operator asks of the consumer.
 * @throws Problem 503 where the queue does not take it
 */
export async function sendToConsumer(c: Context<AppEnv>, body: unknown): Promise<void> {
  try {
    await c.env.EVENTS.send(body)
  } catch (error) {
    logLine('error', c.get('requestId'), { error: String(error) })
    throw new Problem(503, 'The queue does not take messages. Try again shortly.', {
      headers: { 'Retry-After': '5' },
    })
  }
}
