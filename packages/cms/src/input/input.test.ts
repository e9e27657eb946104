import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { ConfigInput, ConfigKeyInput } from './config.ts'
import { ContentBulkInput, ContentCreateInput, ContentUpdateInput } from './content.ts'
import {
  ContentFeedQuery,
  ContentListQuery,
  FIRST_CONTENT_PAGE,
  FIRST_MEDIA_PAGE,
  MediaListQuery,
} from './list.ts'
import { MediaCreateInput, MediaUpdateInput } from './media.ts'
import { CollectionIdInput } from './text.ts'
import { LoginInput, UserCreateInput, UserUpdateInput } from './user.ts'

/** The fields that a schema complains of. */
function problems(schema: v.GenericSchema, input: unknown): string[] {
  const parsed = v.safeParse(schema, input)
  return parsed.success ? [] : parsed.issues.map((issue) => v.getDotPath(issue) ?? '(all)')
}

const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) })

describe('a new content item', () => {
  const item = { collection: 'posts', title: 'A title', slug: 'a-title' }

  it('needs a collection, a title and a slug, and is a draft by nobody otherwise', () => {
    expect(v.parse(ContentCreateInput, item)).toEqual({
      ...item,
      status: 'draft',
      data: {},
      authorId: null,
      featuredMediaId: null,
    })
    expect(problems(ContentCreateInput, {})).toEqual(['collection', 'title', 'slug'])
  })

  it.each([
    [{ title: '' }, 'title'],
    [{ title: 'x'.repeat(301) }, 'title'],
    [{ title: 'two\nlines' }, 'title'],
    [{ title: 1 }, 'title'],
    [{ slug: 'Upper' }, 'slug'],
    [{ slug: 'a--b' }, 'slug'],
    [{ slug: '-a' }, 'slug'],
    [{ slug: 'a-' }, 'slug'],
    [{ slug: 'x'.repeat(201) }, 'slug'],
    [{ status: 'any' }, 'status'],
    [{ data: [] }, 'data'],
    [{ data: null }, 'data'],
    [{ data: 'text' }, 'data'],
    [{ data: nested(65) }, 'data'],
    [{ authorId: '' }, 'authorId'],
    [{ featuredMediaId: 7 }, 'featuredMediaId'],
    [{ collection: '7up' }, 'collection'],
    [{ version: 3 }, 'version'],
  ])('refuses %j', (fields, field) => {
    expect(problems(ContentCreateInput, { ...item, ...fields })).toEqual([field])
  })

  it('keeps its data as it is, odd keys included', () => {
    const data = JSON.parse('{"__proto__":{"a":1},"constructor":2,"nested":{"é":[null,true]}}')
    expect(JSON.stringify(v.parse(ContentCreateInput, { ...item, data }).data)).toBe(JSON.stringify(data))
    expect(problems(ContentCreateInput, { ...item, data: nested(64) })).toEqual([])
    expect(problems(ContentCreateInput, { ...item, title: 'x'.repeat(300), slug: 'x'.repeat(200) })).toEqual(
      [],
    )
  })

  it('is not troubled by data that is as deep as a body can be', () => {
    const data = JSON.parse(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)
    expect(problems(ContentCreateInput, { ...item, data })).toEqual(['data'])
  })
})

describe('a changed content item', () => {
  it('takes any of the fields, but at least one', () => {
    expect(v.parse(ContentUpdateInput, { title: 'New' })).toEqual({ title: 'New' })
    expect(v.parse(ContentUpdateInput, { authorId: null })).toEqual({ authorId: null })
    expect(problems(ContentUpdateInput, {})).toEqual(['(all)'])
    expect(problems(ContentUpdateInput, { collection: 'news' })).toEqual(['collection'])
    expect(problems(ContentUpdateInput, { title: undefined })).toEqual(['title'])
  })
})

describe('a bulk action', () => {
  it('names 1 to 100 items', () => {
    expect(problems(ContentBulkInput, { action: 'publish', ids: ['1'] })).toEqual([])
    expect(problems(ContentBulkInput, { action: 'archive', ids: ['1'] })).toEqual(['action'])
    expect(problems(ContentBulkInput, { action: 'delete', ids: [] })).toEqual(['ids'])
    expect(problems(ContentBulkInput, { action: 'delete', ids: Array(101).fill('1') })).toEqual(['ids'])
    expect(problems(ContentBulkInput, { action: 'delete', ids: ['1', 2] })).toEqual(['ids.1'])
  })
})

describe('a list', () => {
  it('has defaults for everything', () => {
    expect(FIRST_CONTENT_PAGE).toEqual({
      limit: 20,
      offset: 0,
      sortBy: 'createdAt',
      sortDirection: 'desc',
      status: 'published',
    })
    expect(FIRST_MEDIA_PAGE).toEqual({ limit: 20, offset: 0, sortBy: 'createdAt', sortDirection: 'desc' })
    expect(v.parse(ContentFeedQuery, { featured: 'true' }).featured).toBe(true)
    expect(v.parse(ContentFeedQuery, {}).featured).toBeUndefined()
    expect(v.safeParse(ContentFeedQuery, { featured: 'false' }).success).toBe(false)
  })

  it.each([
    [{ limit: '0' }, 'limit'],
    [{ limit: '101' }, 'limit'],
    [{ limit: '1e1' }, 'limit'],
    [{ limit: ' 10' }, 'limit'],
    [{ limit: '' }, 'limit'],
    [{ offset: '-1' }, 'offset'],
    [{ offset: '1.5' }, 'offset'],
    [{ offset: '9999999999' }, 'offset'],
    [{ sortBy: 'created_at' }, 'sortBy'],
    [{ sortDirection: 'up' }, 'sortDirection'],
    [{ status: 'gone' }, 'status'],
    [{ page: '2' }, 'page'],
    [{ featured: 'true' }, 'featured'],
  ])('of a collection refuses %j', (query, field) => {
    expect(problems(ContentListQuery, query)).toContain(field)
  })

  it('of media has orders of its own', () => {
    expect(v.parse(MediaListQuery, { sortBy: 'filename', limit: '100', offset: '007' })).toMatchObject({
      sortBy: 'filename',
      limit: 100,
      offset: 7,
    })
    expect(problems(MediaListQuery, { sortBy: 'title' })).toEqual(['sortBy'])
    expect(problems(MediaListQuery, { status: 'any' })).toEqual(['status'])
  })
})

describe('users', () => {
  const user = { email: 'Ann@Example.COM', name: 'Ann', role: 'editor', password: 'long enough' }

  it('have one spelling of their address', () => {
    expect(v.parse(UserCreateInput, user).email).toBe('ann@example.com')
    expect(v.parse(LoginInput, { email: 'Ann@Example.COM', password: 'x' }).email).toBe('ann@example.com')
    expect(problems(UserCreateInput, { ...user, email: 'ann' })).toEqual(['email'])
    expect(problems(UserCreateInput, { ...user, role: 'root', name: '', password: 'short' })).toEqual([
      'name',
      'role',
      'password',
    ])
    expect(problems(UserUpdateInput, {})).toEqual(['(all)'])
    expect(problems(UserUpdateInput, { name: 'B' })).toEqual([])
  })
})

describe('media', () => {
  const file = { filename: 'a.png', mimeType: 'image/png', size: 1, url: 'https://example.com/a.png' }

  it('need what cannot be guessed', () => {
    expect(v.parse(MediaCreateInput, file)).toEqual({ ...file, width: null, height: null, alt: '' })
    expect(problems(MediaCreateInput, {})).toEqual(['filename', 'mimeType', 'size', 'url'])
    expect(problems(MediaUpdateInput, { width: null, alt: '' })).toEqual([])
    expect(problems(MediaUpdateInput, {})).toEqual(['(all)'])
  })

  it.each([
    [{ url: 'javascript:alert(1)' }, 'url'],
    [{ url: '//elsewhere.example' }, 'url'],
    [{ mimeType: 'png' }, 'mimeType'],
    [{ size: -1 }, 'size'],
    [{ size: 1.5 }, 'size'],
    [{ width: 0 }, 'width'],
  ])('refuse %j', (fields, field) => {
    expect(problems(MediaCreateInput, { ...file, ...fields })).toEqual([field])
  })
})

describe('configuration', () => {
  it.each([[null], [false], [0], ['text'], [[1, 2]], [{ a: 1 }]])('takes %j as a value', (value) => {
    expect(v.parse(ConfigInput, { value })).toEqual({ value })
  })

  it('needs a value and a sound key', () => {
    expect(problems(ConfigInput, {})).toEqual(['value'])
    expect(problems(ConfigInput, { value: nested(65) })).toEqual(['value'])
    expect(problems(ConfigInput, { value: 1, isPublic: 1 })).toEqual(['isPublic'])
    expect(problems(ConfigKeyInput, 'siteName.short_1-a')).toEqual([])
    for (const key of ['', 'Site', 'a:b', 'a*', 'a'.repeat(65)])
      expect(problems(ConfigKeyInput, key)).toEqual(['(all)'])
    for (const id of ['', '7', 'a_b', 'a'.repeat(65)])
      expect(problems(CollectionIdInput, id)).toEqual(['(all)'])
  })
})
