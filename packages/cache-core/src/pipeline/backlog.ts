import type { MessageQueue } from '../ports.ts'

/**
 * How many messages wait in a queue.
 * @returns 0 where the runtime does not tell, or fails to
 */
export async function backlogOf(queue: MessageQueue): Promise<number> {
  try {
    return (await queue.metrics?.())?.backlogCount ?? 0
  } catch {
    return 0
  }
}
