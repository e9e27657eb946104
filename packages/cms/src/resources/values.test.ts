import type { SqliteD1 } from '@freshet/test-support'
import { beforeAll, describe, expect, it } from 'vitest'
import { load, migratedDatabase } from '../testing/database.ts'
import { resources } from './table.ts'

const HASH = 'ab'.repeat(32)
const AT = '1970-01-01T00:00:01.000Z'
let db: SqliteD1

beforeAll(() => {
  db = migratedDatabase()
  db.exec(`
    INSERT INTO collections VALUES ('posts', 'Posts', 'Texts', 1000);
    INSERT INTO users VALUES ('u', 'ann@example.com', 'Ann', 'editor', 'secret', 3, 1000, 1000, NULL);
    INSERT INTO media VALUES ('m', 'a.png', 'image/png', 5, 2, NULL, 'An A', '/a.png', 1, 1000, 1000);
    INSERT INTO content (id, collection_id, slug, title, status, version, data, created_at, updated_at, published_at)
      VALUES ('1', 'posts', 'one', 'One', 'published', 4, '{"b":1,"a":[true,null]}', 1000, 1000, 1000),
             ('2', 'posts', 'two', 'Two', 'draft', 1, '{"featured":true}', 1000, 1000, NULL);
    INSERT INTO content_relationships VALUES ('1', 'author', 'u', NULL), ('1', 'featuredMedia', NULL, 'm');
    INSERT INTO sessions VALUES ('${HASH}', 'u', 0, 1000);
    INSERT INTO plugins VALUES ('seo', 'SEO', '1.0', 'inactive', '{"x":1}', 1000);
    INSERT INTO config VALUES ('site', '{"name":"S"}', 1, 2, 1000), ('mail', 'null', 0, 1, 1000);
  `)
})

const one = {
  id: '1',
  collection: 'posts',
  slug: 'one',
  title: 'One',
  status: 'published',
  version: 4,
  data: { b: 1, a: [true, null] },
  author: { id: 'u', name: 'Ann' },
  featuredMedia: {
    id: 'm',
    filename: 'a.png',
    mimeType: 'image/png',
    url: '/a.png',
    alt: 'An A',
    width: 2,
    height: null,
  },
  createdAt: AT,
  updatedAt: AT,
  publishedAt: AT,
}
const page = { limit: 20, offset: 0, sortBy: 'title', sortDirection: 'asc', status: 'any' } as const

describe('a content item', () => {
  it('reads as the API has it, field by field', async () => {
    const source = resources.contentItem.at({ id: '1' })
    const item = await load(db, source)
    expect(JSON.stringify(item)).toBe(JSON.stringify(one))
    expect(source.tags(item)).toEqual(['user:profile:u', 'media:file:m'])
    expect(item && source.label?.(item)).toBe('published')
  })

  it('may have nobody and nothing', async () => {
    const source = resources.contentItem.at({ id: '2' })
    const item = await load(db, source)
    expect(item).toMatchObject({ author: null, featuredMedia: null, publishedAt: null })
    expect(source.tags(item)).toEqual([])
  })

  it('may be missing', async () => {
    expect(await load(db, resources.contentItem.at({ id: '3' }))).toBeNull()
    expect(resources.contentItem.at({ id: '3' }).tags(null)).toEqual([])
  })

  it('has an address', async () => {
    expect(await load(db, resources.contentSlug.at({ collection: 'posts', slug: 'two' }))).toEqual({
      id: '2',
    })
    expect(await load(db, resources.contentSlug.at({ collection: 'news', slug: 'two' }))).toBeNull()
    expect(resources.contentSlug.at({ collection: 'posts', slug: 'two' }).tags({ id: '2' })).toEqual([])
  })
})

describe('lists', () => {
  it('show whole items and depend on what those show', async () => {
    const source = resources.contentList.at({ collection: 'posts', ...page })
    const list = await load(db, source)
    expect(list?.data[0]).toEqual(one)
    expect(list?.data.map(({ id }) => id)).toEqual(['1', '2'])
    expect(list?.meta).toEqual({ total: 2, limit: 20, offset: 0 })
    expect(source.tags(list)).toEqual(['user:profile:u', 'media:file:m'])
    expect(source.tags(null)).toEqual([])
  })

  it('of featured items show those', async () => {
    expect((await load(db, resources.featured.at(page)))?.data.map(({ id }) => id)).toEqual(['2'])
    expect(await load(db, resources.featured.at({ ...page, status: 'published' }))).toEqual({
      data: [],
      meta: { total: 0, limit: 20, offset: 0 },
    })
  })

  it('of media and collections', async () => {
    const item = {
      id: 'm',
      filename: 'a.png',
      mimeType: 'image/png',
      size: 5,
      width: 2,
      height: null,
      alt: 'An A',
      url: '/a.png',
      version: 1,
      createdAt: AT,
      updatedAt: AT,
    }
    const list = resources.mediaList.at({ limit: 1, offset: 0, sortBy: 'filename', sortDirection: 'asc' })
    expect(await load(db, list)).toEqual({ data: [item], meta: { total: 1, limit: 1, offset: 0 } })
    expect(JSON.stringify(await load(db, resources.mediaItem.at({ id: 'm' })))).toBe(JSON.stringify(item))
    expect(await load(db, resources.collections.at({}))).toEqual({
      data: [{ id: 'posts', name: 'Posts', description: 'Texts', createdAt: AT }],
      meta: { total: 1 },
    })
  })
})

describe('users', () => {
  it('read without their secrets', async () => {
    expect(JSON.stringify(await load(db, resources.userProfile.at({ id: 'u' })))).toBe(
      JSON.stringify({
        id: 'u',
        email: 'ann@example.com',
        name: 'Ann',
        role: 'editor',
        version: 3,
        createdAt: AT,
        updatedAt: AT,
        lastLoginAt: null,
      }),
    )
    expect(await load(db, resources.userPermissions.at({ id: 'u' }))).toEqual({
      role: 'editor',
      permissions: ['content:read-unpublished', 'content:write', 'media:write'],
    })
    expect(await load(db, resources.userPermissions.at({ id: 'nobody' }))).toBeNull()
  })

  it('have sessions, which show them', async () => {
    const source = resources.session.at({ hash: HASH })
    const value = await load(db, source)
    expect(value).toEqual({
      userId: 'u',
      email: 'ann@example.com',
      name: 'Ann',
      role: 'editor',
      expiresAt: AT,
    })
    expect(source.tags(value)).toEqual(['session:user:u'])
    expect(source.tags(null)).toEqual([])
  })
})

describe('configuration', () => {
  it('tells by its label who may read it', async () => {
    const site = resources.configValue.at({ key: 'site' })
    const value = await load(db, site)
    expect(value).toEqual({ key: 'site', value: { name: 'S' }, isPublic: true, version: 2, updatedAt: AT })
    expect(value && site.label?.(value)).toBe('public')
    const mail = await load(db, resources.configValue.at({ key: 'mail' }))
    expect(mail).toMatchObject({ value: null, isPublic: false })
    expect(mail && site.label?.(mail)).toBe('private')
  })

  it('lists plugins, all or the active ones', async () => {
    const seo = {
      id: 'seo',
      name: 'SEO',
      version: '1.0',
      status: 'inactive',
      settings: { x: 1 },
      updatedAt: AT,
    }
    expect(await load(db, resources.plugins.at({ status: 'all' }))).toEqual({
      data: [seo],
      meta: { total: 1 },
    })
    expect(await load(db, resources.plugins.at({ status: 'active' }))).toEqual({
      data: [],
      meta: { total: 0 },
    })
  })
})
