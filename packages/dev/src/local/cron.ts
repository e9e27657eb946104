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
 * the next one; its failure doesn't end the series. Answers a function that ends it and waits for the run under way.
 */
export function startCron(options: CronOptions): () => Promise<void> {
  let running: Promise<void> = Promise.resolve()
  let stopped = false
  let timer = setTimeout(tick, options.firstSeconds * 1000)

  function tick(): void {
    const startedAt = Date.now()
    running = options.run().then(undefined, options.onError)
    void running.then(() => {
      if (stopped) return
      timer = setTimeout(tick, Math.max(0, options.seconds * 1000 - (Date.now() - startedAt)))
    })
  }

  return () => {
    stopped = true
    clearTimeout(timer)
    return running
  }
}
