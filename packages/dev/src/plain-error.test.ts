import { expect, it } from 'vitest'
import { messageOf, PlainError } from './plain-error.ts'

it('has words for whatever was thrown', () => {
  expect(messageOf(new PlainError('oh'))).toBe('oh')
  expect(messageOf('thrown text')).toBe('thrown text')
  expect(messageOf(undefined)).toBe('undefined')
})
