import { describe, expect, it } from 'vitest'
import { hashPassword, verifyPassword } from './password.ts'

describe('hashPassword', () => {
  it('makes a hash that says how it was made, and another one each time', async () => {
    const [one, other] = await Promise.all([hashPassword('secret'), hashPassword('secret')])
    expect(one).toMatch(/^pbkdf2-sha256\$100000\$[0-9a-f]{32}\$[0-9a-f]{64}$/)
    expect(one).not.toBe(other)
  })
})

describe('verifyPassword', () => {
  it('tells the right password from others', async () => {
    const stored = await hashPassword('pässwörd 🦊')
    expect(await verifyPassword('pässwörd 🦊', stored)).toBe(true)
    expect(await verifyPassword('password', stored)).toBe(false)
    expect(await verifyPassword('', stored)).toBe(false)
  })

  it('agrees with PBKDF2 elsewhere', async () => {
    // From OpenSSL, by way of node:crypto.
    const stored = `pbkdf2-sha256$1$${'00'.repeat(16)}$3a7d618fda9e512726e79cdf718d544e7c2eca00958e34298747edd7922498eb`
    expect(await verifyPassword('passwd', stored)).toBe(true)
  })

  it('is never right for nobody, and takes as long', async () => {
    expect(await verifyPassword('', null)).toBe(false)
    expect(await verifyPassword('anything', null)).toBe(false)
  })

  it.each([
    '',
    'plain',
    'pbkdf2-sha256$100000$00$00',
    `pbkdf2-sha256$0$${'0'.repeat(32)}$${'0'.repeat(64)}`,
    `pbkdf2-sha256$100001$${'0'.repeat(32)}$${'0'.repeat(64)}`,
    `bcrypt$10$${'0'.repeat(32)}$${'0'.repeat(64)}`,
  ])('is never right for the stored text %j', async (stored) => {
    expect(await verifyPassword('', stored)).toBe(false)
  })
})
