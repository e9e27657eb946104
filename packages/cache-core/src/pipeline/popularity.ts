import * as v from 'valibot'
import type { Database, Statement } from '../ports.ts'
import { type Recipe, RecipeSchema } from '../source.ts'
import { recipeText } from './warm-job.ts'

/**
 * A read counts half after this: most of a score is of the last day. Scores decay forward (Cormode, Shkapenyuk, Srivastava and
 * Xu, "Forward Decay", ICDE 2009): a rank is log2(score) + time / half-life, so that nothing need be written for them to
 * decay, and their order never changes by it.
 */
const HALF_LIFE_MS = 12 * 3_600_000
/** Recipes that are kept, by rank. */
const MAX_KEPT = 20_000
/** Part of the old cost that stays when a new one is measured. */
const COST_MEMORY = 0.7

/** How often a recipe was read, and what one load of it takes. */
export interface RecipeReads {
  recipe: Recipe
  reads: number
  costMs: number
}

/** A recipe with its decayed number of reads. */
export interface Popular {
  recipe: Recipe
  score: number
  /** Its part of all reads of late. */
  share: number
  costMs: number
}

const ADD = `INSERT INTO popularity (recipe, rank, cost_ms, updated_at)
SELECT value ->> 'recipe', log2(value ->> 'reads') + ?2, value ->> 'costMs', ?3 FROM json_each(?1) WHERE true
ON CONFLICT (recipe) DO UPDATE SET
rank = log2(pow(2, rank - ?2) + pow(2, excluded.rank - ?2)) + ?2,
cost_ms = ${COST_MEMORY} * cost_ms + ${1 - COST_MEMORY} * excluded.cost_ms, updated_at = excluded.updated_at`

const TOP = `SELECT recipe, pow(2, rank - ?1) AS score, cost_ms AS costMs,
(SELECT sum(pow(2, rank - ?1)) FROM popularity) AS total
FROM popularity ORDER BY rank DESC LIMIT ?2`

const FORGET = `DELETE FROM popularity WHERE rank < ?1 OR recipe IN
(SELECT recipe FROM popularity ORDER BY rank DESC LIMIT -1 OFFSET ${MAX_KEPT})`

const Row = v.object({
  recipe: v.pipe(v.string(), v.parseJson(), RecipeSchema),
  score: v.number(),
  costMs: v.number(),
  total: v.number(),
})

/** Adds reads to the scores, each recipe in one row however often it comes. @param now clock, ms */
export function addReads(db: Database, reads: readonly RecipeReads[], now: number): Statement {
  return db.prepare(ADD).bind(JSON.stringify(sumReads(reads).map(rowOf)), now / HALF_LIFE_MS, now)
}

/** One item a recipe, with the sum of its reads and the mean of its costs. */
export function sumReads(reads: readonly RecipeReads[]): RecipeReads[] {
  const byRecipe = new Map<string, RecipeReads>()
  for (const one of reads) {
    if (one.reads <= 0) continue
    const text = recipeText(one.recipe)
    const other = byRecipe.get(text)
    byRecipe.set(text, other === undefined ? one : add(other, one))
  }
  return [...byRecipe.values()]
}

function add(a: RecipeReads, b: RecipeReads): RecipeReads {
  const reads = a.reads + b.reads
  return { recipe: a.recipe, reads, costMs: (a.costMs * a.reads + b.costMs * b.reads) / reads }
}

/** The recipe as JSON with its parameters in order: equal recipes must be equal text. */
function rowOf({ recipe: { resource, params }, reads, costMs }: RecipeReads) {
  const sorted = Object.fromEntries(Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1)))
  return { recipe: JSON.stringify({ resource, params: sorted }), reads, costMs }
}

/**
 * The recipes that cover a share of all reads of late, the most read first.
 * @param share of the decayed reads, 0 to 1
 * @param cap at most so many
 * @param now clock, ms
 */
export async function popularRecipes(
  db: Database,
  { share, cap }: { share: number; cap: number },
  now: number,
): Promise<Popular[]> {
  const [result] = await db.batch([db.prepare(TOP).bind(now / HALF_LIFE_MS, cap)])
  const rows = v.parse(v.array(Row), result?.results)
  const popular: Popular[] = []
  let covered = 0
  for (const { recipe, score, costMs, total } of rows) {
    if (covered >= share * total) break
    popular.push({ recipe, score, share: score / total, costMs })
    covered += score
  }
  return popular
}

/** Keeps the table small: what is past its end by rank, and what has decayed to less than a hundredth of a read. */
export function forgetUnread(db: Database, now: number): Statement {
  return db.prepare(FORGET).bind(now / HALF_LIFE_MS + Math.log2(0.01))
}
