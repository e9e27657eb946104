import { type CacheKey, type Isolate, type Recipe, sourceOf } from '@freshet/cache-core'
import type { Popular } from '@freshet/cache-core/pipeline'
import { resources } from '@freshet/cms'

/** A popular recipe with the key that it makes; null for a resource that is no more. */
export function withKey(isolate: Isolate, popular: Popular) {
  const key = keyOf(isolate, popular.recipe)
  return { key: key?.path ?? null, namespace: key?.namespace ?? null, ...popular }
}

function keyOf(isolate: Isolate, recipe: Recipe): CacheKey | null {
  try {
    return isolate.keyOf(sourceOf(resources, recipe))
  } catch {
    return null
  }
}
