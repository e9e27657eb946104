import type { Source } from '@freshet/cache-core'
import type { SqliteD1, SqliteStatement } from '@freshet/test-support'
import { describe, expect, it } from 'vitest'
import { CONTENT_SORTS, MEDIA_SORTS, STATUS_FILTERS } from './input/list.ts'
import { resources } from './resources/table.ts'
import { migratedDatabase } from './testing/database.ts'
import { world } from './testing/world.ts'

/** What a plan may scan: the page of ids just found, the members of a JSON parameter, or an index. */
const HARMLESS_SCAN = /^SCAN (page|\w+ VIRTUAL TABLE INDEX.*|CONSTANT ROW|\w+ USING (COVERING )?INDEX .*)$/

function problemsOf(db: SqliteD1, sql: string): string[] {
  return db.sqlite
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map(({ detail }) => String(detail))
    .filter((detail) => (/^SCAN /.test(detail) && !HARMLESS_SCAN.test(detail)) || /TEMP B-TREE/.test(detail))
}

const directions = ['asc', 'desc'] as const
const pages = STATUS_FILTERS.flatMap((status) =>
  CONTENT_SORTS.flatMap((sortBy) =>
    directions.map((sortDirection) => ({ status, sortBy, sortDirection, limit: 20, offset: 40 })),
  ),
)
const sources: Source<unknown>[] = [
  resources.contentItem.at({ id: '1' }),
  resources.contentSlug.at({ collection: 'posts', slug: 'a' }),
  ...pages.flatMap((page) => [
    resources.contentList.at({ collection: 'posts', ...page }),
    resources.contentFeed.at(page),
    resources.featured.at(page),
  ]),
  resources.collections.at({}),
  resources.mediaItem.at({ id: '1' }),
  ...MEDIA_SORTS.flatMap((sortBy) =>
    directions.map((sortDirection) =>
      resources.mediaList.at({ sortBy, sortDirection, limit: 20, offset: 0 }),
    ),
  ),
  resources.userProfile.at({ id: '1' }),
  resources.userPermissions.at({ id: '1' }),
  resources.configValue.at({ key: 'site' }),
  resources.plugins.at({ status: 'active' }),
  resources.plugins.at({ status: 'all' }),
  resources.session.at({ hash: 'a'.repeat(64) }),
]

describe('query plans', () => {
  it('cover every resource', () => {
    expect(new Set(sources.map(({ recipe }) => recipe.resource))).toEqual(new Set(Object.keys(resources)))
  })

  it('find every resource by an index, and sort nothing', () => {
    const db = migratedDatabase()
    for (const source of sources) {
      const seen: string[] = []
      const recorder = {
        prepare(sql: string): SqliteStatement {
          seen.push(sql)
          return db.prepare(sql)
        },
        batch: () => Promise.reject(new Error('nothing is run here')),
      }
      source.load(recorder)
      expect(seen.length).toBeGreaterThan(0)
      for (const sql of seen) expect({ sql, problems: problemsOf(db, sql) }).toEqual({ sql, problems: [] })
    }
  })

  it('find every row that a write touches by an index', async () => {
    const { db, content, users, media, config, plugins, sessions } = world()
    const user = await users.create({ email: 'a@example.com', name: 'A', role: 'editor', passwordHash: 'x' })
    const authorId = user.value?.id ?? ''
    const file = {
      filename: 'a.png',
      mimeType: 'image/png',
      size: 1,
      width: 1,
      height: 1,
      alt: '',
      url: '/a.png',
    }
    const featuredMediaId = (await media.create(file)).value?.id ?? ''
    const draft = { collection: 'posts', slug: 'a', title: 'A', status: 'draft', data: {} } as const
    const id = (await content.create({ ...draft, authorId, featuredMediaId })).value?.id ?? ''
    await expect(content.update(id, { authorId: 'nobody' })).rejects.toThrow('nobody')
    await content.update(id, { authorId: null, featuredMediaId: null })
    await content.bulk('publish', [id])
    await content.delete(id)
    await media.update(featuredMediaId, { alt: 'a' })
    await media.delete(featuredMediaId)
    await users.findForLogin('a@example.com')
    await users.update(authorId, { passwordHash: 'y' })
    await sessions.create({ hash: 'a'.repeat(64), userId: authorId, expiresAt: 1 })
    await sessions.logout('a'.repeat(64))
    await users.delete(authorId)
    await config.set('site', { value: 1 })
    await config.set('site', { value: 2 })
    await plugins.activate('seo')
    // The cascades of foreign keys are statements of the same shape, which SQLite does not explain.
    const cascades = [
      'DELETE FROM content_relationships WHERE content_id = ?',
      'DELETE FROM content_relationships WHERE user_id = ?',
      'DELETE FROM content_relationships WHERE media_id = ?',
      'DELETE FROM sessions WHERE user_id = ?',
      'SELECT 1 FROM content WHERE collection_id = ?',
    ]
    const own = db.log.filter((sql) =>
      /\b(content|content_relationships|users|media|sessions|config|plugins)\b/.test(sql),
    )
    expect(own.length).toBeGreaterThan(20)
    for (const sql of new Set([...own, ...cascades])) {
      expect({ sql, problems: problemsOf(db, sql) }).toEqual({ sql, problems: [] })
    }
  })
})
