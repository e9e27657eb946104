import { type LocalOptions, modulesOf } from '@freshet/dev'

/**
 * For `configure`: changes the bundled text of a Worker as it is loaded, so that a fault or a shorter time can be tested and the
 * code needs no switch for it.
 * @param worker what the Worker's name begins with
 * @throws Error where the text is not in there exactly once: a test of something else than it says would pass
 */
export function rewritten(worker: string, find: string, by: string): NonNullable<LocalOptions['configure']> {
  return (options) => {
    if (!options.name?.startsWith(worker)) return options
    const modules = modulesOf(options)
    const texts = modules.map(({ contents }) => String(contents))
    const times = texts.reduce((sum, text) => sum + text.split(find).length - 1, 0)
    if (times !== 1) throw new Error(`"${find}" is ${times} times in the bundle of ${options.name}`)
    return {
      ...options,
      modules: modules.map((module) => ({
        ...module,
        contents: String(module.contents).replace(find, () => by),
      })),
    }
  }
}
