import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyText } from '../test/arbitraries.ts'
import { formatBookmark, parseBookmark } from './bookmark.ts'

describe('a bookmark', () => {
  it('comes back as the position that it was made from', () => {
    const epoch = fc.stringMatching(/^[0-9a-f]{1,64}$/)
    fc.assert(
      fc.property(epoch, fc.integer({ min: 0, max: 999_999_999_999_999 }), (from, seq) => {
        expect(parseBookmark(formatBookmark(from, seq))).toEqual({ epoch: from, seq })
      }),
    )
  })

  it.each([
    '',
    '.',
    'feed',
    'feed.',
    '.1',
    'feed.-1',
    'feed.01',
    'feed.1.2',
    'feed.1e3',
    'FEED.1',
    'xyz.1',
    ' feed.1',
    'feed.1\n',
    'feed.1000000000000000',
    `${'a'.repeat(65)}.1`,
  ])('is none in %j', (text) => {
    expect(parseBookmark(text)).toBe(null)
  })

  it('is read from any text without an error', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const bookmark = parseBookmark(text)
        if (bookmark !== null) expect(formatBookmark(bookmark.epoch, bookmark.seq)).toBe(text)
      }),
    )
  })
})
