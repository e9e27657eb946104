import { SettingsError } from '@freshet/cache-core'
import { describe, expect, it } from 'vitest'
import { UsageError } from './arguments/usage-error.ts'
import { describeFailure } from './failure.ts'

describe('describeFailure', () => {
  it('is the message alone where that says it all', () => {
    expect(describeFailure(new UsageError('PORT is "x"'))).toBe('freshet: PORT is "x"')
    expect(describeFailure(new SettingsError(['CACHE_DEBUG is "x"']))).toBe('freshet: CACHE_DEBUG is "x"')
  })

  it('shows where an unforeseen error came from', () => {
    expect(describeFailure(new Error('oh'))).toMatch(/^freshet: Error: oh\n +at /)
    expect(describeFailure('thrown text')).toBe('freshet: thrown text')
  })
})
