import { setTimeout as sleep } from 'node:timers/promises'

/** How long to wait for something, and how often to look. */
export interface Patience {
  everyMs: number
  atMostMs: number
}

/**
 * Looks again and again until something is so.
 * @returns false when it was not so in time
 */
export async function poll(
  isSo: () => Promise<boolean>,
  { everyMs, atMostMs }: Patience,
  signal: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + atMostMs
  for (;;) {
    if (await isSo()) return true
    if (performance.now() >= deadline) return false
    await sleep(everyMs, undefined, { signal })
  }
}
