import type { Runtime } from './ports.ts'

/** Thrown when something took longer than its caller would wait. */
export class DeadlineError extends Error {
  override name = 'DeadlineError'
}

/**
 * Waits for a promise with a timer of the caller's own: one that another request started may never settle, and then
 * nothing but this timer ends the wait. The promise itself goes on.
 * @param ms how long to wait
 * @throws DeadlineError when the time is up; whatever the promise throws
 */
export function withDeadline<T>(runtime: Runtime, promise: Promise<T>, ms: number, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = runtime.setTimeout(() => reject(new DeadlineError(`${what} took over ${ms} ms`)), ms)
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
