import { escapeSegment, type Isolate, type Recipe, sourceOf, systemRuntime } from '@freshet/cache-core'
import { popularRecipes, warmAllMessage, warmRecipesMessage } from '@freshet/cache-core/pipeline'
import { resources } from '@freshet/cms'
import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import type { AppEnv } from '../context.ts'
import { done, success } from '../http/admin.ts'
import { readBody } from '../http/input.ts'
import { requireNamespace } from '../http/namespace.ts'
import { Problem } from '../http/problem.ts'
import { sendToConsumer } from '../http/send-event.ts'
import { orUnavailable } from '../http/unavailable.ts'
import { recipeOf } from '../recipe-of.ts'

/** Of the popular recipes, so many are looked through for a key that nothing else leads back from. */
const LOOKED_THROUGH = 2_000

/** Nothing but keys: what a value is, D1 says. */
const KeysInput = v.strictObject({
  keys: v.pipe(
    v.array(v.pipe(v.string(), v.minLength(1, 'must name a key'), v.maxLength(4_096, 'must be a key'))),
    v.minLength(1, 'must name a key'),
    v.maxLength(100, 'must name at most 100 keys'),
  ),
})

const UNKNOWN = 'nothing is known that has this key; lists are known only once they were read'
const NOT_PUBLIC = 'not everybody may see what it shows: it is never warmed'

/** `/admin/cache/warm`: has the consumer load what is popular, or what somebody names. */
export const warmRoutes = new Hono<AppEnv>()

/** A full warm-up, by the consumer and under its settings: so that a new `CACHE_VERSION` is warm before the API has it. */
warmRoutes.post('/', async (c) => {
  await sendToConsumer(c, warmAllMessage())
  return c.json(done('the consumer warms everything anew; GET /admin/cache/warming shows how far it is'), 202)
})

warmRoutes.post('/:namespace', async (c) => {
  const namespace = requireNamespace(c.req.param('namespace'))
  const { isolate } = c.get('setup')
  if (isolate.policy(namespace).visibility === 'private')
    throw new Problem(400, `${namespace} is private: what is in there is never warmed.`)
  const { keys } = await readBody(c, KeysInput)
  const beginning = `${escapeSegment(namespace)}:`
  const paths = [...new Set(keys.map((key) => (key.startsWith(beginning) ? key : beginning + key)))]
  const recipes = await recipesOf(c, isolate, paths)
  const warming: string[] = []
  const unknown: { key: string; reason: string }[] = []
  for (const key of paths) {
    const recipe = recipes.get(key)
    if (recipe === undefined) unknown.push({ key, reason: UNKNOWN })
    // Of one item, only the consumer will know.
    else if (sourceOf(resources, recipe).isPublic?.(null) === false) unknown.push({ key, reason: NOT_PUBLIC })
    else warming.push(key)
  }
  const wanted = warming.flatMap((key) => recipes.get(key) ?? [])
  if (wanted.length > 0) await sendToConsumer(c, warmRecipesMessage(wanted))
  return c.json(success({ warming, unknown }), 202)
})

/** By the key itself, by what memory holds under it, or by what is popular. */
async function recipesOf(
  c: Context<AppEnv>,
  isolate: Isolate,
  paths: readonly string[],
): Promise<Map<string, Recipe>> {
  const found = new Map<string, Recipe>()
  for (const path of paths) {
    const recipe = recipeOf(isolate, path) ?? heldRecipe(isolate, path)
    if (recipe !== null) found.set(path, recipe)
  }
  if (found.size === paths.length) return found
  const { db } = c.get('cache')
  const popular = await orUnavailable(
    popularRecipes(db, { share: 1, cap: LOOKED_THROUGH }, systemRuntime.now()),
  )
  for (const { recipe } of popular) {
    const path = pathOf(isolate, recipe)
    if (path !== null && paths.includes(path) && !found.has(path)) found.set(path, recipe)
  }
  return found
}

function heldRecipe(isolate: Isolate, path: string): Recipe | null {
  try {
    return isolate.memory.inspect(isolate.keyAt(path).path)?.recipe ?? null
  } catch {
    return null
  }
}

/** Null for a recipe of a resource that is no more. */
function pathOf(isolate: Isolate, recipe: Recipe): string | null {
  try {
    return isolate.keyOf(sourceOf(resources, recipe)).path
  } catch {
    return null
  }
}
