import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyText, wellFormedText } from '../../test/arbitraries.ts'
import { escapeSegment } from './escape.ts'
import { buildKey, type KeyId, kvName, parseKey, utf8Length } from './key.ts'
import { matches } from './pattern.ts'

const keyOf = (id: KeyId, namespace = 'content') =>
  buildKey({ namespace, entity: 'item', id, version: '1.1' })

const HOSTILE = [
  'a:b',
  '*',
  ':',
  '::',
  'content:item:1',
  'a/b',
  'a b',
  '😀',
  '%3A',
  '~',
  '\n',
  'é'.repeat(600),
]

describe('buildKey', () => {
  it('is {namespace}:{entity}:{id}:{version}, and its path is that without the version', () => {
    expect(keyOf('42')).toEqual({
      namespace: 'content',
      path: 'content:item:42',
      text: 'content:item:42:v1.1',
      canonical: null,
      recipe: null,
    })
    expect(keyOf(['posts', '42']).path).toBe('content:item:posts:42')
  })

  it('has the canonical parameters of a list as its last segment', () => {
    const list = keyOf({ path: ['posts'], params: { offset: 0, limit: 10 } })
    expect([list.path, list.canonical]).toEqual(['content:item:posts:limit=10&offset=0', null])
    expect(keyOf({ path: ['posts'], params: { q: 'a b' } }).path).toBe('content:item:posts:q=a%2520b')
  })

  it('hashes long parameters and keeps their text', () => {
    const key = keyOf({ path: ['posts'], params: { q: 'x'.repeat(200) } })
    expect(key.path).toMatch(/^content:item:posts:~[0-9a-f]{32}$/)
    expect(key.canonical).toBe(`q=${'x'.repeat(200)}`)
  })

  it.each(HOSTILE)('keeps id %# in its namespace, as one segment', (id) => {
    const key = keyOf(id)
    expect(key.path.split(':')).toEqual(['content', 'item', escapeSegment(id)])
    expect(matches('content:item:*', key.path)).toBe(true)
    expect(key.path).not.toContain('*')
  })

  it('never gives two ids one key', () => {
    const ids = fc.array(wellFormedText, { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(ids, ids, (a, b) => {
        expect(keyOf(a).text === keyOf(b).text).toBe(JSON.stringify(a) === JSON.stringify(b))
      }),
    )
  })
})

describe('parseKey', () => {
  it('takes apart what buildKey made', () => {
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 3 }), (id) => {
        expect(parseKey(keyOf(id).text)).toEqual({
          namespace: 'content',
          entity: 'item',
          id: id.map(escapeSegment),
          version: '1.1',
        })
      }),
    )
  })

  it.each([
    '',
    'content',
    'content:v1',
    ':item:1:v1',
    'content::1:v1',
    'content:item:1',
    'content:item:1:x1',
  ])('knows that %j is no key', (text) => {
    expect(parseKey(text)).toBe(null)
  })
})

describe('kvName', () => {
  it('ends in the generation, so that an invalidation moves the entry to another name', () => {
    expect(kvName(keyOf('42'), 0)).toBe('content:item:42:v1.1.0')
    expect(kvName(keyOf('42'), 17)).toBe('content:item:42:v1.1.17')
  })

  it('is never over 512 B and never leaves its namespace', () => {
    const long = fc.tuple(anyText, fc.integer({ min: 0, max: 700 })).map(([text, n]) => text + 'é'.repeat(n))
    fc.assert(
      fc.property(long, fc.nat(), (id, generation) => {
        const name = kvName(keyOf(id), generation)
        expect(new TextEncoder().encode(name).length).toBeLessThanOrEqual(512)
        expect(name.startsWith('content:')).toBe(true)
      }),
    )
  })

  it('is never over 512 B for a long namespace either', () => {
    for (const namespace of ['n'.repeat(600), '😀'.repeat(200), ':'.repeat(300)]) {
      const name = kvName(keyOf('1', namespace), 7)
      expect(new TextEncoder().encode(name).length).toBeLessThanOrEqual(512)
      expect(name).not.toBe(kvName(keyOf('1', `${namespace}n`), 7))
    }
  })

  it('never gives two keys or two generations one name, whether hashed or not', () => {
    const id = fc.oneof(
      wellFormedText,
      wellFormedText.map((text) => text.padEnd(600, 'x')),
      fc.constantFrom(...HOSTILE),
    )
    fc.assert(
      fc.property(id, id, fc.nat(3), fc.nat(3), (a, b, m, n) => {
        expect(kvName(keyOf(a), m) === kvName(keyOf(b), n)).toBe(a === b && m === n)
      }),
    )
  })

  it('keeps apart long ids that differ only at their end', () => {
    expect(kvName(keyOf(`${'x'.repeat(600)}Aa`), 0)).not.toBe(kvName(keyOf(`${'x'.repeat(600)}BB`), 0))
  })
})

describe('utf8Length', () => {
  it('counts as an encoder does', () => {
    fc.assert(
      fc.property(wellFormedText, (text) => {
        expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length)
      }),
    )
  })
})
