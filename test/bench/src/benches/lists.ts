import { readdirSync, readFileSync } from 'node:fs'
import type { Database } from '@freshet/cache-core'
import { resources } from '@freshet/cms'
import { seedBatches } from '@freshet/cms/seed'
import { Miniflare } from 'miniflare'
import { unstable_splitSqlQuery } from 'wrangler'
import type { Bench } from '../bench.ts'
import { PRICES } from '../meter.ts'

const MIGRATIONS = new URL('../../../../packages/cms/migrations/', import.meta.url)
const POSTS = 2_000
const PAGE = 20
/** Statements of the seed in one transaction. */
const CHUNK = 200
/** Of rows that D1 reads, $ for a million. */
const ROW_READ = 0.001
/** The ids of the same page, and nothing else: what a list would be loaded as that is built from its items' entries. */
const IDS = `SELECT id FROM content WHERE collection_id = ? AND status = 'published'
ORDER BY created_at DESC, id DESC LIMIT ${PAGE}`

/** What a page costs that is loaded whole, and one that is built from the entries of its items. Counts, not times. */
export const lists: Bench = {
  name: 'lists',
  about: `a page of ${PAGE} of a collection, in workerd's D1: rows read as it counts them, and what a million loads cost`,
  async run(write) {
    const { whole, ids } = await rowsRead()
    const saved = whole - ids
    const price = (rows: number, reads: number) => rows * ROW_READ + reads * PRICES.kvReads
    const even = (saved * ROW_READ) / PRICES.kvReads
    write(`  from items: worth it where memory lacks fewer than ${even.toFixed(2)} of the ${PAGE} items`)
    const row = (system: string, rows: number, reads: number) => [
      { system, metric: 'rows of D1 read, without the total', value: rows, ratio: rows / whole },
      { system, metric: 'reads of KV', value: reads, ratio: null },
      {
        system,
        metric: '$ for a million loads',
        value: price(rows, reads),
        ratio: price(rows, reads) / price(whole, 0),
      },
    ]
    return [
      ...row('loaded whole', whole, 0),
      ...row('from items, all of them in memory', ids, 0),
      ...row('from items, half of them in KV', ids, PAGE / 2),
      ...row('from items, all of them in KV', ids, PAGE),
    ]
  },
}

/** The total is the same for both, so it is left out. */
async function rowsRead(): Promise<{ whole: number; ids: number }> {
  const miniflare = new Miniflare({ modules: true, script: 'export default {}', d1Databases: ['DB'] })
  try {
    const db: Database = await miniflare.getD1Database('DB')
    for (const name of readdirSync(MIGRATIONS).sort()) {
      const statements = unstable_splitSqlQuery(readFileSync(new URL(name, MIGRATIONS), 'utf8'))
      await db.batch(statements.map((sql) => db.prepare(sql)))
    }
    const seed = [...seedBatches({ posts: POSTS, users: 50, media: 100, plugins: 4, allPublished: true })]
    for (let i = 0; i < seed.length; i += CHUNK)
      await db.batch(seed.slice(i, i + CHUNK).map(({ sql, params }) => db.prepare(sql).bind(...params)))
    const page = {
      status: 'published',
      limit: PAGE,
      offset: 0,
      sortBy: 'createdAt',
      sortDirection: 'desc',
    } as const
    const [rows] = resources.contentList.at({ collection: 'posts', ...page }).load(db).statements
    if (rows === undefined) throw new Error('a list is loaded by a statement')
    const [whole, ids] = await db.batch([rows, db.prepare(IDS).bind('posts')])
    if (whole?.results.length !== PAGE || ids?.results.length !== PAGE)
      throw new Error('the page is not full')
    return { whole: whole.meta.rows_read ?? Number.NaN, ids: ids.meta.rows_read ?? Number.NaN }
  } finally {
    await miniflare.dispose()
  }
}
