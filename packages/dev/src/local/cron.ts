/** What `startCron` takes. */
export interface CronOptions {
  /** Seconds between two runs. */
  seconds: number
  /** Seconds until the first one. */
  firstSeconds: number
  run: () => Promise<void>
  onError: (error: unknown) => void
}

/**
 * Calls `run` again and again, since cron never fires by itself locally. A run that takes longer than the interval delays
 * the next one; its failure doesn't end the series. Answers a function that does; what a run under way then comes to is of
 * no interest any more.
 */
export function startCron({ seconds, firstSeconds, run, onError }: CronOptions): () => void {
  let stopped = false
  let timer = setTimeout(tick, firstSeconds * 1000)

  async function tick(): Promise<void> {
    const startedAt = Date.now()
    await run().catch((error: unknown) => stopped || onError(error))
    if (stopped) return
    timer = setTimeout(tick, Math.max(0, seconds * 1000 - (Date.now() - startedAt)))
  }

  return () => {
    stopped = true
    clearTimeout(timer)
  }
}
