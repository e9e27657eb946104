import type { Runtime } from './ports.ts'

/** Thrown when something took longer than its caller would wait. */
export class DeadlineError extends Error {
  override name = 'DeadlineError'
}

/** A timer that fires so much later than it was set for tells of an isolate that stood still. */
const LATE_MS = 250

/**
 * Waits for a promise with a timer of the caller's own: one that another request started may never settle, and then
 * nothing but this timer ends the wait. The promise itself goes on. Time for which the isolate stood still is not held against
 * the promise, once: what it was waiting for may lie there already, and the timer only happens to be looked at first.
 * @param ms how long to wait
 * @throws DeadlineError when the time is up; whatever the promise throws
 */
export function withDeadline<T>(runtime: Runtime, promise: Promise<T>, ms: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const dueAt = runtime.now() + ms
    const giveUp = () => reject(new DeadlineError(`${what} took over ${ms} ms`))
    let timer = runtime.setTimeout(() => {
      const lateMs = runtime.now() - dueAt
      if (lateMs < LATE_MS) giveUp()
      else timer = runtime.setTimeout(giveUp, Math.min(ms, lateMs))
    }, ms)
    promise.then(
      (value) => {
        runtime.clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        runtime.clearTimeout(timer)
        reject(error)
      },
    )
  })
}

/** Waits. */
export function sleep(runtime: Runtime, ms: number): Promise<void> {
  return new Promise((resolve) => runtime.setTimeout(resolve, ms))
}
