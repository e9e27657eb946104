import type { WorkerOptions } from 'miniflare'

/** The modules of a Worker, its bundle first. @throws Error for one that is not bundled */
export function modulesOf(options: WorkerOptions) {
  if (!('modules' in options) || !Array.isArray(options.modules))
    throw new Error('a bundled Worker has modules')
  return options.modules
}

/**
 * For `configure`: puts a module of JavaScript around a Worker, so that a test or a bench can slow or break its bindings and the
 * code needs no switch for it.
 * @param name what the module exports: a function of the Worker and `settings` that returns another Worker
 * @param source its text
 * @param settings what JSON can say
 * @throws Error for a Worker that is not bundled
 */
export function wrappedWorker(
  options: WorkerOptions,
  name: string,
  source: string,
  settings: unknown = null,
): WorkerOptions {
  const modules = modulesOf(options)
  const [bundle] = modules
  if (bundle === undefined) throw new Error('a bundled Worker has a module')
  const module = (path: string, contents: string) => ({ type: 'ESModule' as const, path, contents })
  const main = `import worker from './${bundle.path}'
import { ${name} } from './wrapper.mjs'
export default ${name}(worker, ${JSON.stringify(settings)})`
  return { ...options, modules: [module('main.mjs', main), module('wrapper.mjs', source), ...modules] }
}
