import * as v from 'valibot'
import type { KeyId } from './keys/key.ts'
import type { Database, Statement, StatementResult } from './ports.ts'

/** What a key is made from: the name of a resource and its parameters, as JSON. Travels in warm jobs and statistics. */
export interface Recipe {
  resource: string
  params: Readonly<Record<string, string | number | boolean>>
}

/** A recipe that comes from outside: a queue, a table of statistics. Whether its resource exists, `sourceOf` says. */
export const RecipeSchema = v.object({
  resource: v.string(),
  params: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
})

/** The SQL of one load. Run in one transaction with the log's head, which becomes the entry's stamp. */
export interface Query<T> {
  statements: Statement[]
  /** Turns the statements' results, in order, into the value; null says "not found". Parses: rows come from outside. */
  decode(results: StatementResult[]): T | null
}

/** One key, and all that is needed to read, check and load it. */
export interface Source<T> {
  recipe: Recipe
  namespace: string
  entity: string
  id: KeyId
  /** Names that the value depends on besides its own key; for "not found" (null) those that its creation would touch. */
  tags(value: T | null): readonly string[]
  /** A word kept beside the value (say, its publication status), so that a hit can be judged without parsing it. */
  label?(value: T): string
  /**
   * Whether everybody may see what has this label; of null, whether such a thing can be there at all. What is not for everybody is
   * kept when its readers load it, but never warmed. Without this, everybody may.
   */
  isPublic?(label: string | null): boolean
  load(db: Database): Query<T>
  /** Turns parsed JSON that was kept in a tier back into a value; throws on anything else. */
  parse(json: unknown): T
}

/** A row of the table of resources: how the sources of one kind are made from their parameters. */
export interface Resource<P extends Recipe['params'], T> {
  name: string
  /** The policy that holds for it. */
  namespace: string
  /** Checks parameters that come from outside (a queue, a table, a URL). Throws on bad ones. */
  parseParams(input: unknown): P
  key(params: P): { entity: string; id: KeyId }
  tags(value: T | null, params: P): readonly string[]
  label?(value: T, params: P): string
  isPublic?(label: string | null, params: P): boolean
  load(db: Database, params: P): Query<T>
  parse(json: unknown): T
}

/** A resource that can be asked for its sources. */
export interface ResourceHandle<P extends Recipe['params'], T> {
  name: string
  namespace: string
  /** The source for parameters that the type checker has seen. */
  at(params: P): Source<T>
  /** The source for parameters from outside. Throws when they do not fit. */
  from(params: unknown): Source<T>
}

/**
 * Defines a row of the table of resources.
 * @param resource its key, tags, policy and load
 * @returns a handle that makes sources
 */
export function defineResource<P extends Recipe['params'], T>(
  resource: Resource<P, T>,
): ResourceHandle<P, T> {
  const { name, namespace, label, isPublic } = resource
  const at = (params: P): Source<T> => ({
    recipe: { resource: name, params },
    namespace,
    ...resource.key(params),
    tags: (value) => resource.tags(value, params),
    ...(label && { label: (value: T) => label(value, params) }),
    ...(isPublic && { isPublic: (label: string | null) => isPublic(label, params) }),
    load: (db) => resource.load(db, params),
    parse: resource.parse,
  })
  return { name, namespace, at, from: (params) => at(resource.parseParams(params)) }
}

/** The table of resources, by name. */
export type ResourceTable = Readonly<
  Record<string, { name: string; namespace: string; from(params: unknown): Source<unknown> }>
>

/**
 * Finds the source that a recipe from outside describes.
 * @throws RangeError when the table has no such resource; whatever `parseParams` throws when its parameters do not fit
 */
export function sourceOf(table: ResourceTable, recipe: Recipe): Source<unknown> {
  const resource = Object.hasOwn(table, recipe.resource) ? table[recipe.resource] : undefined
  if (resource === undefined) {
    throw new RangeError(`unknown resource "${recipe.resource}"; there are: ${Object.keys(table).join(', ')}`)
  }
  return resource.from(recipe.params)
}
