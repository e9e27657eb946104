import { utf8Length } from '../keys/key.ts'

/** Limits of Queues (PLATFORM.md): per message, with the platform's own 100 B taken off, and per `sendBatch`. */
const MAX_MESSAGE_BYTES = 128_000 - 100
const MAX_BATCH_MESSAGES = 100
const MAX_BATCH_BYTES = 256_000

/** Thrown for a message that no queue would take. */
export class MessageTooLargeError extends Error {
  override name = 'MessageTooLargeError'
}

/** Bytes that a message counts for: its JSON, and about 100 B of the platform's. */
function sizeOf(body: unknown): number {
  return utf8Length(JSON.stringify(body)) + 100
}

/** Whether a queue takes a message. */
export function fitsMessage(body: unknown): boolean {
  return sizeOf(body) <= MAX_MESSAGE_BYTES
}

/**
 * Splits messages into batches that `sendBatch` takes, keeping their order.
 * @throws MessageTooLargeError naming the message's place and size
 */
export function splitBatches<T>(bodies: readonly T[]): { body: T }[][] {
  const batches: { body: T }[][] = []
  let current: { body: T }[] = []
  let bytes = 0
  bodies.forEach((body, place) => {
    const size = sizeOf(body)
    if (size > MAX_MESSAGE_BYTES) {
      throw new MessageTooLargeError(
        `message ${place} has ${size} B; a queue takes at most ${MAX_MESSAGE_BYTES} B`,
      )
    }
    if (current.length === MAX_BATCH_MESSAGES || bytes + size > MAX_BATCH_BYTES) {
      batches.push(current)
      current = []
      bytes = 0
    }
    current.push({ body })
    bytes += size
  })
  if (current.length > 0) batches.push(current)
  return batches
}
