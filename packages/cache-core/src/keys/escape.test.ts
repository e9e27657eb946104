import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyText, wellFormedText } from '../../test/arbitraries.ts'
import { escapeSegment, nameOf, unescapeSegment } from './escape.ts'

describe('escapeSegment', () => {
  it.each([
    ['plain-id_1', 'plain-id_1'],
    ['', ''],
    ['a:b', 'a%3Ab'],
    ['*', '%2A'],
    ['100%', '100%25'],
    ['%3A', '%253A'],
    ['a/b c', 'a/b c'],
    ['line\nbreak\u0000\u007f', 'line%0Abreak%00%7F'],
    ['😀 é', '😀 é'],
    ['half\ud800', 'half\ufffd'],
  ])('%j becomes %j', (text, segment) => {
    expect(escapeSegment(text)).toBe(segment)
  })

  it('comes back as it was, but for lone surrogates, which no UTF-8 text can hold', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(unescapeSegment(escapeSegment(text))).toBe(text.toWellFormed())
      }),
    )
  })

  it('leaves nothing that could end a segment, be a wildcard or break a line', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
        expect(escapeSegment(text)).not.toMatch(/[:*\u0000-\u001f\u007f]/)
      }),
    )
  })

  it('never gives two texts one segment', () => {
    fc.assert(
      fc.property(wellFormedText, wellFormedText, (a, b) => {
        expect(escapeSegment(a) === escapeSegment(b)).toBe(a === b)
      }),
      {
        examples: [
          ['%3A', ':'],
          ['%25', '%'],
          ['a%', 'a%25'],
        ],
      },
    )
  })
})

describe('unescapeSegment', () => {
  it.each(['%', '%3', '%3a', '%ZZ', 'a%'])('leaves %j, which no escaping makes, as it is', (text) => {
    expect(unescapeSegment(text)).toBe(text)
  })
})

describe('nameOf', () => {
  it('escapes each segment, so that no id adds one', () => {
    expect(nameOf('content', 'item', 'a:b')).toBe('content:item:a%3Ab')
    expect(nameOf('content', 'item', '*')).toBe('content:item:%2A')
  })

  it('is injective over lists of segments', () => {
    const segments = fc.array(wellFormedText, { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(segments, segments, (a, b) => {
        expect(nameOf(...a) === nameOf(...b)).toBe(JSON.stringify(a) === JSON.stringify(b))
      }),
      {
        examples: [
          [['a', 'b'], ['a:b']],
          [[''], ['', '']],
        ],
      },
    )
  })
})
