import { readFileSync } from 'node:fs'
import type { WorkersOptions } from '../local/workers.ts'
import { wrappedWorker } from '../local/wrapped-worker.ts'

/** What the plan says that a call takes. */
export const PLAN_DELAYS = { d1Ms: 50, kvMs: 10 } as const

const WRAPPER = readFileSync(new URL('./latency-worker.js', import.meta.url), 'utf8')

/** For `configure`: puts a Worker behind D1 and KV bindings that take so many milliseconds a call. */
export function withLatency(delays: {
  d1Ms: number
  kvMs: number
}): NonNullable<WorkersOptions['configure']> {
  return (options) => wrappedWorker(options, 'withLatency', WRAPPER, delays)
}
