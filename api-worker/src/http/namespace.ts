import { CACHE_CONFIGS } from '@freshet/cms'
import { Problem } from './problem.ts'

const NAMESPACES = Object.keys(CACHE_CONFIGS)

/** All of them, for a sentence. */
export const KNOWN_NAMESPACES = NAMESPACES.join(', ')

export function isNamespace(name: string): boolean {
  return NAMESPACES.includes(name)
}

/** @throws Problem 404, with the names that there are */
export function requireNamespace(name: string): string {
  if (!isNamespace(name))
    throw new Problem(404, `There is no namespace "${name}". There are: ${KNOWN_NAMESPACES}.`)
  return name
}
