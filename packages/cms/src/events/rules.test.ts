import { matches, nameOf, parsePattern } from '@freshet/cache-core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ContentChange, EVENT_TYPES } from './event.ts'
import { patternsOf } from './rules.ts'

describe('patternsOf', () => {
  it('names the item, the addresses and the lists that a change of content touches', () => {
    const payload = {
      id: '42',
      collection: 'posts',
      slugs: ['old', 'new'],
      statuses: ['draft', 'published', 'any'],
      featuredStatuses: [],
    }
    expect(patternsOf('content.publish', payload)).toEqual([
      'content:item:42',
      'content:slug:posts:old',
      'content:slug:posts:new',
      'api:list:posts:draft:*',
      'api:list:posts:published:*',
      'api:list:posts:any:*',
      'api:feed:draft:*',
      'api:feed:published:*',
      'api:feed:any:*',
    ])
    expect(
      patternsOf('content.publish', { ...payload, slugs: [], featuredStatuses: ['published', 'any'] }),
    ).toEqual(expect.arrayContaining(['api:featured:published:*', 'api:featured:any:*']))
  })

  it.each([
    ['user.create', { id: '7' }, ['user:profile:7', 'user:permissions:7']],
    ['user.update', { id: '7' }, ['user:profile:7', 'user:permissions:7', 'session:user:7']],
    ['user.delete', { id: '7' }, ['user:profile:7', 'user:permissions:7', 'session:user:7']],
    ['auth.login', { userId: '7' }, ['user:activity:7']],
    ['auth.logout', { session: 'ab'.repeat(32) }, [`session:token:${'ab'.repeat(32)}`]],
    ['media.upload', { id: '9' }, ['media:file:9', 'api:media:*']],
    ['media.update', { id: '9' }, ['media:file:9', 'api:media:*']],
    ['media.delete', { id: '9' }, ['media:file:9', 'api:media:*']],
    ['config.update', { key: 'site' }, ['config:value:site']],
    ['collection.update', { id: 'posts' }, ['api:collections:all']],
    ['plugin.activate', { id: 'seo' }, ['config:*', 'api:*']],
    ['plugin.deactivate', { id: 'seo' }, ['config:*', 'api:*']],
  ])('of %s', (type, payload, patterns) => {
    expect(patternsOf(type, payload)).toEqual(patterns)
  })

  it('throws for what is no event', () => {
    expect(() => patternsOf('content.burn', {})).toThrow('unknown event type')
    expect(() => patternsOf('user.update', {})).toThrow('bad payload of user.update')
  })
})

const anyId = fc.oneof(
  fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }),
  fc.constantFrom('*', 'a:b', '%', 'a*', ':', '%3A', 'published', 'any', '🦊'),
)
const collection = fc.constantFrom('posts', 'news', 'pages', 'p')
const statuses = fc
  .subarray(['draft', 'published', 'archived'] as const, { minLength: 1 })
  .map((some) => [...some, 'any' as const])
const change: fc.Arbitrary<ContentChange> = fc.record({
  id: anyId,
  collection,
  slugs: fc.array(anyId, { maxLength: 2 }),
  statuses,
  featuredStatuses: fc.oneof(fc.constant<ContentChange['featuredStatuses']>([]), statuses),
})
const contentType = fc.constantFrom(...EVENT_TYPES.filter((type) => type.startsWith('content.')))
const params = 'limit=20&offset=0&sortBy=createdAt&sortDirection=desc'
const touches = (patterns: string[], name: string) => patterns.some((pattern) => matches(pattern, name))

describe('an event of content', () => {
  it('makes patterns that the log takes, whatever the ids', () => {
    fc.assert(
      fc.property(contentType, change, (type, payload) => {
        for (const pattern of patternsOf(type, payload)) expect(parsePattern(pattern)).toBe(pattern)
      }),
    )
  })

  it('touches its item and no other', () => {
    fc.assert(
      fc.property(contentType, change, anyId, (type, payload, other) => {
        const patterns = patternsOf(type, payload)
        expect(touches(patterns, nameOf('content', 'item', payload.id))).toBe(true)
        expect(touches(patterns, nameOf('content', 'item', other))).toBe(other === payload.id)
      }),
    )
  })

  it('touches the addresses whose owner changes and no others', () => {
    fc.assert(
      fc.property(contentType, change, collection, anyId, (type, payload, other, slug) => {
        const patterns = patternsOf(type, payload)
        for (const one of payload.slugs)
          expect(touches(patterns, nameOf('content', 'slug', payload.collection, one))).toBe(true)
        const owned = other === payload.collection && payload.slugs.includes(slug)
        expect(touches(patterns, nameOf('content', 'slug', other, slug))).toBe(owned)
      }),
    )
  })

  it('touches the lists of its collection in its statuses and no others', () => {
    fc.assert(
      fc.property(contentType, change, collection, statuses, (type, payload, other, [status = 'any']) => {
        const patterns = patternsOf(type, payload)
        const shown = payload.statuses.includes(status)
        const listed = other === payload.collection && shown
        expect(touches(patterns, nameOf('api', 'list', other, status, params))).toBe(listed)
        expect(touches(patterns, nameOf('api', 'feed', status, params))).toBe(shown)
        const featured = payload.featuredStatuses.includes(status)
        expect(touches(patterns, nameOf('api', 'featured', status, params))).toBe(featured)
      }),
    )
  })

  it('touches nothing of users, media, configuration and sessions', () => {
    fc.assert(
      fc.property(contentType, change, anyId, (type, payload, id) => {
        const patterns = patternsOf(type, payload)
        const names = [
          nameOf('user', 'profile', id),
          nameOf('media', 'file', id),
          nameOf('config', 'value', id),
          nameOf('session', 'token', id),
          nameOf('api', 'media', params),
          'api:collections:all',
        ]
        for (const name of names) expect(touches(patterns, name)).toBe(false)
      }),
    )
  })
})
