import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wellFormedText } from '../../test/arbitraries.ts'
import { digest } from './hash.ts'

describe('digest', () => {
  it('is the first half of SHA-256, as another implementation has it', () => {
    fc.assert(
      fc.property(wellFormedText, (text) => {
        expect(digest(text)).toBe(createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 32))
      }),
    )
  })

  it('tells apart what a 31-bit string hash does not', () => {
    expect(digest('Aa')).not.toBe(digest('BB'))
    expect(digest('AaAa')).not.toBe(digest('BBBB'))
  })
})
