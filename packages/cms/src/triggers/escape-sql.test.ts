import { escapeSegment } from '@freshet/cache-core'
import { SqliteD1 } from '@freshet/test-support'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { escapedSql } from './escape-sql.ts'

const statement = new SqliteD1().sqlite.prepare(
  `SELECT ${escapedSql('text')} AS segment FROM (SELECT ? AS text)`,
)
const inSql = (text: string | null) => statement.get(text)?.segment

/** What the escape itself writes and looks for, so that it is met in all orders. */
const piece = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.constantFrom(
    '%',
    ':',
    '*',
    '\\',
    '"',
    '%5C',
    '\\u0000',
    '\\"',
    ':"',
    '":',
    '\u0000',
    '\u007f',
    '\n',
    '\ud83e\udd8a',
  ),
  fc.integer({ min: 0, max: 0x7f }).map((code) => String.fromCharCode(code)),
)

describe('escapedSql', () => {
  it('escapes each character as escapeSegment does', () => {
    for (let code = 0; code < 0x100; code++) {
      const text = String.fromCharCode(code)
      expect([code, inSql(text)]).toEqual([code, escapeSegment(text)])
    }
  })

  it('escapes any text as escapeSegment does', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('')
        expect(inSql(text)).toBe(escapeSegment(text))
      }),
      { numRuns: 5000 },
    )
  })

  it('leaves null as it is', () => {
    expect(inSql(null)).toBe(null)
    expect(inSql('')).toBe('')
  })
})
