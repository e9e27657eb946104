import type { MessageQueue } from '../ports.ts'

/** How many messages wait in a queue; null where the runtime does not tell, or fails to. */
export async function backlogOf(queue: MessageQueue): Promise<number | null> {
  try {
    return (await queue.metrics?.())?.backlogCount ?? null
  } catch {
    return null
  }
}
