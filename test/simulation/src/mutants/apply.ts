import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import type { Mutant } from './mutant.ts'

const PACKAGES = new URL('../../../../packages/', import.meta.url)

/**
 * @returns the source text with the fault in it
 * @throws Error when the text to replace is not there exactly once: the code has moved on, and the table must follow
 */
export function mutate(source: string, { name, file, find, replace }: Mutant): string {
  const parts = source.split(find)
  if (parts.length !== 2)
    throw new Error(`mutant "${name}": its text occurs ${parts.length - 1} times in ${file}`)
  return parts.join(replace)
}

/** The module's text as it is now. */
export function sourceFor(mutant: Mutant): string {
  return readFileSync(urlOf(mutant), 'utf8')
}

function urlOf({ of = 'cache-core', file }: { of?: string; file: string }): URL {
  return new URL(`${of}/src/${file}`, PACKAGES)
}

/** Has every later import of the mutant's module in this thread bring the faulty text. */
export function applyMutant(mutant: Mutant): void {
  const target = urlOf(mutant).href
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (url !== target) return loaded
      const { source } = loaded
      if (source === undefined || source === null) throw new Error(`no text for ${url}`)
      const text = typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString('utf8')
      return { ...loaded, source: mutate(text, mutant) }
    },
  })
}
