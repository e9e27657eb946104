import { describe, expect, it } from 'vitest'
import { parseFlags } from './parse-flags.ts'
import { UsageError } from './usage-error.ts'

const flags = { api: { type: 'string' }, fresh: { type: 'boolean' } } as const

describe('parseFlags', () => {
  it('answers the values that were given', () => {
    expect(parseFlags(['--api', '2', '--fresh'], flags)).toEqual({ api: '2', fresh: true })
    expect(parseFlags(['--api=2'], flags)).toEqual({ api: '2' })
  })

  it.each([
    [['--apis', '2'], "Unknown option '--apis'. Known options: --api VALUE, --fresh"],
    [['2'], "Unexpected argument '2'"],
    [['--api'], "Option '--api <value>' argument missing"],
    [['--fresh=yes'], "Option '--fresh' does not take an argument"],
  ])('refuses %j and lists what there is', (argv, message) => {
    expect(() => parseFlags(argv, flags)).toThrow(UsageError)
    expect(() => parseFlags(argv, flags)).toThrow(message)
    expect(() => parseFlags(argv, flags)).toThrow('Known options: --api VALUE, --fresh')
  })
})
