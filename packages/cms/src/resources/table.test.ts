import { buildKey, type Source, sourceOf } from '@freshet/cache-core'
import type { SqliteD1 } from '@freshet/test-support'
import { beforeAll, describe, expect, it } from 'vitest'
import { FIRST_CONTENT_PAGE, FIRST_MEDIA_PAGE, STATUS_FILTERS } from '../input/list.ts'
import { isNamespace, TAG_DEPENDENCIES } from '../policies.ts'
import { seedPostId, seedUserId } from '../seed/index.ts'
import { load, migratedDatabase, seed } from '../testing/database.ts'
import { resources } from './table.ts'

const HASH = 'ab'.repeat(32)
let db: SqliteD1

beforeAll(async () => {
  db = migratedDatabase()
  await seed(db, { posts: 60, users: 5, media: 10, localUsers: true })
  db.exec(
    `INSERT INTO sessions (id, user_id, created_at, expires_at) VALUES ('${HASH}', 'user-editor', 0, 1000)`,
  )
})

const keyOf = (source: Source<unknown>) =>
  buildKey({ namespace: source.namespace, entity: source.entity, id: source.id, version: '1.1' }).path

/** One source of each resource, all of which the database has, with its key. */
const all: [string, Source<unknown>][] = [
  ['content:item:content-1', resources.contentItem.at({ id: seedPostId(1) })],
  ['content:slug:posts:x', resources.contentSlug.at({ collection: 'posts', slug: 'x' })],
  [
    'api:list:posts:published:limit=20&offset=0&sortBy=createdAt&sortDirection=desc',
    resources.contentList.at({ collection: 'posts', ...FIRST_CONTENT_PAGE }),
  ],
  [
    'api:feed:any:limit=20&offset=0&sortBy=createdAt&sortDirection=desc',
    resources.contentFeed.at({ ...FIRST_CONTENT_PAGE, status: 'any' }),
  ],
  [
    'api:featured:published:limit=20&offset=0&sortBy=createdAt&sortDirection=desc',
    resources.featured.at(FIRST_CONTENT_PAGE),
  ],
  ['api:collections:all', resources.collections.at({})],
  ['media:file:media-1', resources.mediaItem.at({ id: 'media-1' })],
  [
    'api:media:limit=20&offset=0&sortBy=createdAt&sortDirection=desc',
    resources.mediaList.at(FIRST_MEDIA_PAGE),
  ],
  ['user:profile:user-1', resources.userProfile.at({ id: seedUserId(1) })],
  ['user:permissions:user-editor', resources.userPermissions.at({ id: 'user-editor' })],
  ['config:value:site', resources.configValue.at({ key: 'site' })],
  ['config:plugins:active', resources.plugins.at({ status: 'active' })],
  [`session:token:${HASH}`, resources.session.at({ hash: HASH })],
]

describe('the table of resources', () => {
  it('is covered by these tests', () => {
    expect(new Set(all.map(([, { recipe }]) => recipe.resource))).toEqual(new Set(Object.keys(resources)))
    for (const [name, resource] of Object.entries(resources)) expect(resource.name).toBe(name)
  })

  it.each(all)('has %s', (key, source) => {
    expect(keyOf(source)).toBe(key)
  })

  it.each(all)('makes %s again from its recipe, as a queue brings it', (key, source) => {
    const again = sourceOf(resources, JSON.parse(JSON.stringify(source.recipe)))
    expect(keyOf(again)).toBe(key)
    expect(again.recipe).toEqual(source.recipe)
    const extra = { ...source.recipe, params: { ...source.recipe.params, extra: 1 } }
    expect(() => sourceOf(resources, extra)).toThrow()
  })

  it.each(all)('reads %s as the same text twice, and its text back', async (_key, source) => {
    const text = JSON.stringify(await load(db, source))
    expect(JSON.stringify(await load(db, source))).toBe(text)
    if (text !== 'null') expect(JSON.stringify(source.parse(JSON.parse(text)))).toBe(text)
    expect(() => source.parse({ nonsense: true })).toThrow()
    expect(() => source.parse('text')).toThrow()
  })

  it.each(all)('gives %s only tags that its policy expects', async (_key, source) => {
    const { namespace } = source
    if (!isNamespace(namespace)) throw new Error(`no policy for ${namespace}`)
    const value = await load(db, source)
    for (const tag of [...source.tags(value), ...source.tags(null)]) {
      expect(TAG_DEPENDENCIES[namespace]).toContain(tag.split(':').slice(0, 2).join(':'))
    }
  })

  it('says what is never warmed: what is not published, private configuration, plugins that are not active', () => {
    const item = resources.contentItem.at({ id: '1' })
    const labels = [null, 'published', 'draft', 'archived'] as const
    expect(labels.map((label) => item.isPublic?.(label))).toEqual([true, true, false, false])
    const config = resources.configValue.at({ key: 'site' })
    expect(([null, 'public', 'private'] as const).map((label) => config.isPublic?.(label))).toEqual([
      true,
      true,
      false,
    ])
    expect(resources.plugins.at({ status: 'active' }).isPublic?.(null)).toBe(true)
    expect(resources.plugins.at({ status: 'all' }).isPublic?.(null)).toBe(false)
    for (const status of STATUS_FILTERS) {
      const page = { ...FIRST_CONTENT_PAGE, status }
      const lists = [
        resources.contentList.at({ collection: 'posts', ...page }),
        resources.contentFeed.at(page),
        resources.featured.at(page),
      ]
      expect(lists.map((list) => list.isPublic?.(null))).toEqual(lists.map(() => status === 'published'))
    }
  })

  it('escapes ids, so that none reaches into another key', () => {
    expect(keyOf(resources.contentItem.at({ id: 'a:b*%/ 🦊' }))).toBe('content:item:a%3Ab%2A%25/ 🦊')
    expect(keyOf(resources.contentSlug.at({ collection: 'a:b', slug: 'c' }))).not.toBe(
      keyOf(resources.contentSlug.at({ collection: 'a', slug: 'b:c' })),
    )
    expect(resources.userProfile.at({ id: 'a:b' }).tags(null)).toEqual(['user:activity:a%3Ab'])
  })

  it.each([
    ['contentItem', {}],
    ['contentItem', { id: '' }],
    ['contentItem', { id: 7 }],
    ['contentList', { collection: 'posts' }],
    ['contentList', { collection: 'Posts', ...FIRST_CONTENT_PAGE }],
    ['contentFeed', { ...FIRST_CONTENT_PAGE, limit: 1000 }],
    ['contentFeed', { ...FIRST_CONTENT_PAGE, limit: '20' }],
    ['featured', { ...FIRST_CONTENT_PAGE, sortBy: 'data' }],
    ['mediaList', { ...FIRST_MEDIA_PAGE, offset: -1 }],
    ['plugins', { status: 'inactive' }],
    ['configValue', { key: 'a*' }],
    ['session', { hash: 'token' }],
    ['nothing', {}],
    ['constructor', {}],
  ])('refuses %s with %j', (resource, params) => {
    expect(() => sourceOf(resources, { resource, params })).toThrow()
  })
})
