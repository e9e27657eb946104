import { readFileSync } from 'node:fs'
import type { WorkersOptions } from '../local/workers.ts'

/** What the plan says that a call takes. */
export const PLAN_DELAYS = { d1Ms: 50, kvMs: 10 } as const

const WRAPPER = readFileSync(new URL('./latency-worker.js', import.meta.url), 'utf8')

/** For `configure`: puts a Worker behind D1 and KV bindings that take so many milliseconds a call. */
export function withLatency(delays: {
  d1Ms: number
  kvMs: number
}): NonNullable<WorkersOptions['configure']> {
  return (options) => {
    if (!('modules' in options) || !Array.isArray(options.modules))
      throw new Error('a bundled Worker has modules')
    const [bundle] = options.modules
    if (bundle === undefined) throw new Error('a bundled Worker has a module')
    const module = (path: string, contents: string) => ({ type: 'ESModule' as const, path, contents })
    const main = `import worker from './${bundle.path}'
import { withLatency } from './latency.mjs'
export default withLatency(worker, ${JSON.stringify(delays)})`
    return {
      ...options,
      modules: [module('main.mjs', main), module('latency.mjs', WRAPPER), ...options.modules],
    }
  }
}
