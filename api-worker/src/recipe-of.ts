import { type Isolate, type Recipe, unescapeSegment } from '@freshet/cache-core'
import { resources } from '@freshet/cms'

/**
 * The recipe of a single item's key, by reading the key backwards. What was guessed is built again, so it is right or nothing: a
 * list's parameters may be hashed, and cannot be read.
 * @param path a key without its version
 * @returns null where no resource has such a key
 */
export function recipeOf(isolate: Isolate, path: string): Recipe | null {
  const [namespace, , ...id] = path.split(':').map(unescapeSegment)
  for (const resource of Object.values(resources)) {
    if (resource.namespace !== namespace) continue
    for (const params of guesses(id)) {
      try {
        const source = resource.from(params)
        if (isolate.keyOf(source).path === path) return source.recipe
      } catch {
        // Not parameters of this one.
      }
    }
  }
  return null
}

function* guesses([first, second]: readonly string[]): Generator<Record<string, string>> {
  yield {}
  if (first === undefined) return
  yield { id: first }
  yield { key: first }
  yield { status: first }
  if (second !== undefined) yield { collection: first, slug: second }
}
