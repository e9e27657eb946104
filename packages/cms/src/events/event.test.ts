import { describe, expect, it } from 'vitest'
import { EVENT_TYPES, EventError, isEventType, parseEvent } from './event.ts'

const change = {
  id: '1',
  collection: 'posts',
  slugs: ['a'],
  statuses: ['draft', 'any'],
  featuredStatuses: [],
}

describe('parseEvent', () => {
  it.each([
    ['content.create', change],
    ['content.update', { ...change, slugs: [], featuredStatuses: ['published', 'any'] }],
    ['user.delete', { id: 'ein:Name*' }],
    ['auth.login', { userId: '1' }],
    ['auth.logout', { session: 'a'.repeat(64) }],
    ['media.upload', { id: '1' }],
    ['config.update', { key: 'site' }],
    ['plugin.activate', { id: 'seo' }],
    ['collection.update', { id: 'posts' }],
  ])('accepts %s', (type, payload) => {
    expect(parseEvent(type, payload)).toEqual({ type, payload })
  })

  it('names the types that there are', () => {
    expect(() => parseEvent('content.burn', change)).toThrow(EventError)
    expect(() => parseEvent('content.burn', change)).toThrow(
      'unknown event type "content.burn"; there are: content.create, content.update,',
    )
    expect(() => parseEvent('constructor', {})).toThrow('unknown event type')
  })

  it.each([
    ['content.update', undefined, 'payload: '],
    ['content.update', { ...change, id: '' }, 'payload.id: must not be empty'],
    ['content.update', { ...change, id: 'x'.repeat(1025) }, 'payload.id: '],
    ['content.update', { ...change, collection: 'Posts' }, 'payload.collection: must be'],
    ['content.update', { ...change, slugs: 'a' }, 'payload.slugs: '],
    ['content.update', { ...change, slugs: Array(9).fill('a') }, 'payload.slugs: '],
    ['content.update', { ...change, statuses: ['draft'] }, 'payload.statuses: must include "any"'],
    ['content.update', { ...change, statuses: ['gone', 'any'] }, 'payload.statuses.0: '],
    [
      'content.update',
      { ...change, featuredStatuses: ['draft'] },
      'payload.featuredStatuses: must include "any"',
    ],
    ['content.update', { ...change, extra: 1 }, 'payload.extra: '],
    ['auth.logout', { session: 'token' }, 'payload.session: must be a SHA-256'],
    ['config.update', { key: 'a:*' }, 'payload.key: must be'],
    ['user.update', null, 'payload: '],
  ])('refuses %s with payload %j', (type, payload, problem) => {
    expect(() => parseEvent(type, payload)).toThrow(EventError)
    expect(() => parseEvent(type, payload)).toThrow(`bad payload of ${type}: ${problem}`)
  })
})

describe('isEventType', () => {
  it('tells ours from others', () => {
    expect(EVENT_TYPES.every(isEventType)).toBe(true)
    expect(EVENT_TYPES).toHaveLength(17)
    expect(isEventType('cache.invalidate')).toBe(false)
  })
})
