import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { isSigned, parseSecret } from './webhook.ts'

const NOW = 1_614_265_330_000

function secretOf(text: string): Uint8Array<ArrayBuffer> {
  const secret = parseSecret(text)
  if (secret === null) throw new Error(`${text} is no secret`)
  return secret
}

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const OTHER = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

// The test vector of Standard Webhooks' own libraries.
const REQUEST = {
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: '1614265330',
  signatures: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  body: '{"test": 2432232314}',
}

/** A signature as anybody makes one, without our code. */
function sign(secret: string, { id, timestamp, body }: typeof REQUEST): string {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}

describe('isSigned', () => {
  const check = (request: Partial<typeof REQUEST>, secrets = [SECRET], now = NOW) =>
    isSigned({ ...REQUEST, ...request }, secrets.map(secretOf), now)

  it('takes what the scheme’s own libraries sign', async () => {
    expect(await check({})).toBe(true)
    expect(sign(SECRET, REQUEST)).toBe(REQUEST.signatures)
  })

  it('takes either of two secrets, and any of several signatures: secrets can be rotated', async () => {
    const both = `${sign(OTHER, REQUEST)} ${REQUEST.signatures}`
    expect(await check({}, [OTHER, SECRET])).toBe(true)
    expect(await check({ signatures: both })).toBe(true)
    expect(await check({ signatures: `v1a,whatever v2,x ${REQUEST.signatures}` })).toBe(true)
  })

  it.each([
    ['another body', { body: '{"test": 2432232315}' }],
    ['another id', { id: 'msg_other' }],
    ['another time', { timestamp: '1614265331' }],
    ['no id', { id: '' }],
    ['a time with a fraction', { timestamp: '1614265330.0' }],
    ['no time', { timestamp: '' }],
    ['no signature', { signatures: '' }],
    ['a signature without its version', { signatures: REQUEST.signatures.slice(3) }],
    ['a signature of another version', { signatures: REQUEST.signatures.replace('v1', 'v2') }],
    ['a shorter signature', { signatures: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ' }],
    ['an empty one', { signatures: 'v1,' }],
    ['one that is no base64', { signatures: 'v1,g0hM9SsE-OTPJTGt_tmIKtSyZlE3uFJELVlNIOLJ1OE=' }],
    ['another secret', { signatures: sign(OTHER, REQUEST) }],
    ['more signatures than a rotation needs', { signatures: `${'v1,x '.repeat(4)}${REQUEST.signatures}` }],
  ])('refuses %s', async (_, change) => {
    expect(await check(change)).toBe(false)
  })

  it('refuses what lacks a header, and everything where there is no secret', async () => {
    const secrets = [secretOf(SECRET)]
    for (const missing of ['id', 'timestamp', 'signatures'])
      expect(await isSigned({ ...REQUEST, [missing]: undefined }, secrets, NOW)).toBe(false)
    expect(await check({}, [])).toBe(false)
  })

  it('takes a request for five minutes, of clocks that differ either way', async () => {
    const at = (seconds: number) => check({}, [SECRET], NOW + seconds * 1000)
    expect([await at(300), await at(301), await at(-300), await at(-301)]).toEqual([true, false, true, false])
  })
})

it.each([
  [
    '',
    'whsec_',
    'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    'whsec_short',
    `whsec_${'A'.repeat(28)}`,
    `whsec_${'A'.repeat(88)}`,
  ],
])('a secret is whsec_ and 24 to 64 bytes in base64', (...texts) => {
  expect(texts.map(parseSecret)).toEqual(texts.map(() => null))
  expect(parseSecret(`whsec_${'A'.repeat(32)}`)).toEqual(new Uint8Array(24))
  expect(parseSecret(`whsec_${Buffer.alloc(64, 1).toString('base64')}`)).toEqual(new Uint8Array(64).fill(1))
})
