import type { SqliteD1 } from '@freshet/test-support'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { CONTENT_SORTS, STATUS_FILTERS } from '../input/list.ts'
import { load, migratedDatabase } from '../testing/database.ts'
import { resources } from './table.ts'

interface Row {
  id: string
  collection: string
  title: string
  status: string
  featured: boolean
  createdAt: number
  updatedAt: number
  publishedAt: number | null
}

/** Few different values, so that there are many ties. */
const rows: Row[] = Array.from({ length: 120 }, (_, i) => ({
  id: `c${i}`,
  collection: i % 3 === 0 ? 'news' : 'posts',
  title: ['Apple', 'banana', 'Éclair', 'apple', 'Zebra', '🦊'][i % 6] ?? '',
  status: ['published', 'draft', 'published', 'archived', 'published'][i % 5] ?? '',
  featured: i % 4 === 0,
  createdAt: (i * 7) % 10,
  updatedAt: (i * 3) % 11,
  publishedAt: i % 5 === 1 ? null : (i * 13) % 7,
}))
let db: SqliteD1

beforeAll(() => {
  db = migratedDatabase()
  db.exec("INSERT INTO collections (id, name, created_at) VALUES ('posts', 'Posts', 0), ('news', 'News', 0)")
  const insert = db.sqlite.prepare(
    `INSERT INTO content (id, collection_id, slug, title, status, data, created_at, updated_at, published_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  for (const { id, collection, title, status, featured, createdAt, updatedAt, publishedAt } of rows) {
    insert.run(
      id,
      collection,
      id,
      title,
      status,
      JSON.stringify({ featured }),
      createdAt,
      updatedAt,
      publishedAt,
    )
  }
})

/** SQLite's NOCASE folds ASCII only, and compares the bytes of UTF-8. */
const fold = (text: string) => Buffer.from(text.replace(/[A-Z]/g, (char) => char.toLowerCase()))

function compare(a: Row, b: Row, sortBy: (typeof CONTENT_SORTS)[number]): number {
  const byKey =
    sortBy === 'title' ? Buffer.compare(fold(a.title), fold(b.title)) : (a[sortBy] ?? -1) - (b[sortBy] ?? -1)
  return byKey || Buffer.compare(Buffer.from(a.id), Buffer.from(b.id))
}

const anyPage = fc.record({
  limit: fc.integer({ min: 1, max: 100 }),
  offset: fc.oneof(fc.integer({ min: 0, max: 130 }), fc.constant(0)),
  sortBy: fc.constantFrom(...CONTENT_SORTS),
  sortDirection: fc.constantFrom('asc', 'desc'),
  status: fc.constantFrom(...STATUS_FILTERS),
})

describe('lists of content', () => {
  it('show what a sorted array would', async () => {
    const scope = fc.constantFrom('posts', 'news', 'empty', 'feed', 'featured')
    await fc.assert(
      fc.asyncProperty(scope, anyPage, async (of, page) => {
        const source =
          of === 'feed'
            ? resources.contentFeed.at(page)
            : of === 'featured'
              ? resources.featured.at(page)
              : resources.contentList.at({ collection: of, ...page })
        const list = await load(db, source)
        const expected = rows
          .filter((row) => of === 'feed' || (of === 'featured' ? row.featured : row.collection === of))
          .filter((row) => page.status === 'any' || row.status === page.status)
          .sort((a, b) => (page.sortDirection === 'asc' ? 1 : -1) * compare(a, b, page.sortBy))
        expect(list?.meta.total).toBe(expected.length)
        expect(list?.data.map(({ id }) => id)).toEqual(
          expected.slice(page.offset, page.offset + page.limit).map(({ id }) => id),
        )
      }),
      { numRuns: 300 },
    )
  })
})
