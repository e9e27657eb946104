import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyText, naiveMatch, smallName, smallPattern } from '../../test/arbitraries.ts'
import { nameOf } from './escape.ts'
import { broaden, isWild, matches, PatternError, parsePattern } from './pattern.ts'

describe('parsePattern', () => {
  it.each(['*', 'content:*', 'content:item:42', 'content:*:42', 'a:*:*', `${'a:'.repeat(15)}*`])(
    'takes %j as it is',
    (text) => {
      expect(parsePattern(text)).toBe(text)
    },
  )

  it.each([
    ['', 'must not be empty; "*" matches everything'],
    ['x'.repeat(4097), 'at most 4096 characters, this one 4097'],
    ['a\nb', 'no control characters; write them as %XX'],
    [`${'a:'.repeat(16)}*`, 'at most 16 segments, this one 17'],
    ['content::42', '"content::42" has an empty segment'],
    ['content:', 'has an empty segment'],
    ['content:it*', '"it*" in "content:it*": a * stands for a whole segment'],
    ['**', 'a * stands for a whole segment'],
  ])('says what is wrong with %j', (text, problem) => {
    expect(() => parsePattern(text)).toThrow(PatternError)
    expect(() => parsePattern(text)).toThrow(problem)
  })

  it('takes any escaped name', () => {
    fc.assert(
      fc.property(anyText, (id) => {
        if (id !== '') expect(parsePattern(nameOf('content', id))).toBe(nameOf('content', id))
      }),
    )
  })
})

describe('matches', () => {
  it.each([
    ['content:item:42', 'content:item:42', true],
    ['content:item:42', 'content:item:4', false],
    ['content:item:*', 'content:item:42', true],
    ['content:item:*', 'content:item:42:meta', true],
    ['content:item:*', 'content:items:42', false],
    ['content:*:42', 'content:item:42', true],
    ['content:*:42', 'content:item:42:meta', false],
    // The plan's patterns end in a star for the version, which names do not have.
    ['content:*:42:*', 'content:item:42', true],
    ['*', '', true],
    // What a RegExp made from it would match.
    ['a.c', 'abc', false],
    ['a(b', 'a(b', true],
  ])('%j against %j: %j', (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected)
  })

  it('agrees with a naive matcher', () => {
    fc.assert(
      fc.property(smallPattern, smallName, (pattern, name) => {
        expect(matches(pattern, name)).toBe(naiveMatch(pattern, name))
      }),
      { numRuns: 2000 },
    )
  })

  it('returns on what makes a RegExp of six stars hang', () => {
    const stars = 'a'.repeat(9).split('').join('*').padEnd(60, 'a')
    expect(matches(stars, 'a'.repeat(100_000))).toBe(false)
    expect(matches('*:*:*:*:*:*', `${'a:'.repeat(50_000)}a`)).toBe(true)
    expect(matches('*:*:*:*:*:*:b', 'a:'.repeat(50_000))).toBe(false)
  })
})

describe('broaden', () => {
  it.each([
    ['content:item:42', 'content:item:*'],
    ['content:item:*', 'content:*'],
    ['content:*:42', 'content:*:*'],
    ['content:*', '*'],
    ['content', '*'],
    ['*', '*'],
  ])('%j → %j', (pattern, broader) => {
    expect(broaden(pattern)).toBe(broader)
  })

  it('matches everything that the pattern matched, and ends at "*"', () => {
    fc.assert(
      fc.property(smallPattern, smallName, (pattern, name) => {
        if (matches(pattern, name)) expect(matches(broaden(pattern), name)).toBe(true)
        let broadest = pattern
        for (let i = 0; i < 8; i++) broadest = broaden(broadest)
        expect(broadest).toBe('*')
      }),
      { numRuns: 2000 },
    )
  })
})

describe('isWild', () => {
  it('sees wildcards anywhere', () => {
    expect(['a', 'a:b', '*', 'a:*:b'].map(isWild)).toEqual([false, false, true, true])
  })
})
