import { describe, expect, it } from 'vitest'
import { decimalNumber, wholeNumber } from './numbers.ts'
import { UsageError } from './usage-error.ts'

describe('wholeNumber', () => {
  const port = (text: string) => wholeNumber('PORT', text, { min: 1, max: 65_535 })

  it('takes what lies in the range, ends included', () => {
    expect(['1', '8787', '65535'].map(port)).toEqual([1, 8787, 65_535])
  })

  it.each(['', ' ', 'abc', '0', '65536', '-1', '80.5', '1e3', '0x50', '99999999999999999999'])(
    'refuses %j',
    (text) => {
      expect(() => port(text)).toThrow(UsageError)
      expect(() => port(text)).toThrow(`PORT is "${text}", but must be a whole number from 1 to 65535`)
    },
  )
})

describe('decimalNumber', () => {
  const share = (text: string) => decimalNumber('--writes', text, { min: 0, max: 1 })

  it('takes what lies in the range, ends included', () => {
    expect(['0', '1', '0.01', '.5'].map(share)).toEqual([0, 1, 0.01, 0.5])
  })

  it.each(['', 'abc', '1.1', '-0.1', '1e-2', '1.', '0,5'])('refuses %j', (text) => {
    expect(() => share(text)).toThrow(`--writes is "${text}", but must be a number from 0 to 1`)
  })
})
