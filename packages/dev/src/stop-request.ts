import { PlainError } from './plain-error.ts'

/** As much of `process` as orders to stop come from. */
export interface StopSource {
  on(event: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'disconnect', listener: () => void): unknown
}

/** One Ctrl-C can arrive twice: from the terminal, and handed on by npm. */
const ONE_KEYPRESS_MS = 500

/**
 * Waits for Ctrl-C, a signal, or the end of the process that started this one (its IPC channel closes with it, in whatever
 * manner it ends). Asked a second time by a person, `onImpatience` is called.
 */
export function onStopRequest(source: StopSource, onImpatience: () => void): AbortSignal {
  const controller = new AbortController()
  let askedAt = 0
  for (const event of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    source.on(event, () => {
      if (!controller.signal.aborted) askedAt = Date.now()
      else if (Date.now() - askedAt > ONE_KEYPRESS_MS) onImpatience()
      controller.abort(new PlainError('asked to stop'))
    })
  }
  source.on('disconnect', () => controller.abort(new PlainError('the parent process has gone')))
  return controller.signal
}

/** Settles when `signal` is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
