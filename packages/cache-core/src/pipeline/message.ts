import * as v from 'valibot'
import type { LogEvent } from '../write/types.ts'
import { fitsMessage, splitBatches } from './batches.ts'

/** Of the messages on `cache-events`. A consumer keeps what it cannot read, so raise it with care. */
const VERSION = 1

const EventMessageSchema = v.object({
  v: v.literal(VERSION),
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  type: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
  payload: v.unknown(),
})

/** What travels on `cache-events`. Patterns do not: the log has them, and for a producer's event the rules make them. */
export type EventMessage = v.InferOutput<typeof EventMessageSchema>

/** The message that tells the consumer of an event. */
export function eventMessage(event: Pick<LogEvent, 'id' | 'type' | 'payload'>): EventMessage {
  // JSON has no undefined: without this, the message would come out of the queue without its payload.
  return { v: VERSION, id: event.id, type: event.type, payload: event.payload ?? null }
}

/**
 * Messages for logged events, in batches that a queue takes. A payload that no message could hold stays behind: the consumer
 * reads it from the log, and without a message for it the event would never be processed.
 */
export function eventBatches(
  events: readonly Pick<LogEvent, 'id' | 'type' | 'payload'>[],
): { body: EventMessage }[][] {
  const messages = events.map(eventMessage)
  return splitBatches(
    messages.map((message) => (fitsMessage(message) ? message : { ...message, payload: null })),
  )
}

/** @returns the message, or in words what is wrong with it */
export function parseEventMessage(body: unknown): { message: EventMessage } | { problem: string } {
  const parsed = v.safeParse(EventMessageSchema, body)
  if (parsed.success) return { message: parsed.output }
  return {
    problem: parsed.issues.map((issue) => `${v.getDotPath(issue) ?? 'message'}: ${issue.message}`).join('; '),
  }
}
