import { expect, it } from 'vitest'
import { hashToken, newToken } from './token.ts'

it('makes tokens of 256 bits that go into a header and a cookie as they are', () => {
  const tokens = Array.from({ length: 100 }, newToken)
  expect(new Set(tokens).size).toBe(100)
  for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/)
})

it('keeps of a token its SHA-256 only', async () => {
  expect(await hashToken('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})
