import { SettingsError } from '@freshet/cache-core'
import { expect, it } from 'vitest'
import { setUp } from './env.ts'

it('reads the origins of CORS_ORIGINS', () => {
  expect(setUp({}).corsOrigins).toEqual([])
  const CORS_ORIGINS = 'https://a.example, http://localhost:3000'
  expect(setUp({ CORS_ORIGINS }).corsOrigins).toEqual(['https://a.example', 'http://localhost:3000'])
  expect(setUp({ CORS_ORIGINS: '*' }).corsOrigins).toEqual(['*'])
})

it.each(['a.example', 'https://a.example/', 'https://a.example/path', 'null', 'javascript:x'])(
  'refuses "%s" as an origin, naming the variable, what it holds and what it may hold',
  (origin) => {
    expect(() => setUp({ CORS_ORIGINS: origin })).toThrow(
      `CORS_ORIGINS is ${JSON.stringify(origin)}; it may be "*", or origins such as https://example.com`,
    )
  },
)

it('reads one or two secrets of EVENTS_SECRET, and none where it is not set', () => {
  const secret = (byte: number) => `whsec_${Buffer.alloc(24, byte).toString('base64')}`
  const read = (EVENTS_SECRET?: string) => setUp({ EVENTS_SECRET }).eventSecrets
  expect([read(), read('')]).toEqual([[], []])
  expect(read(secret(1))).toEqual([new Uint8Array(24).fill(1)])
  expect(read(`${secret(1)} ${secret(2)}`)).toEqual([new Uint8Array(24).fill(1), new Uint8Array(24).fill(2)])
})

it.each([
  'whsec_short',
  'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  `${`whsec_${'A'.repeat(32)} `.repeat(3)}`,
  `whsec_${'A'.repeat(32)} x`,
  7,
])('refuses the secret %j without telling it', (EVENTS_SECRET) => {
  const setting = () => setUp({ EVENTS_SECRET })
  expect(setting).toThrow(SettingsError)
  expect(setting).toThrow(/^EVENTS_SECRET holds something else than it may: one or two secrets, [^A7]*$/)
})

it('names all bad variables at once', () => {
  const problems = () => {
    try {
      setUp({ CORS_ORIGINS: 'x', CACHE_ENABLED: 'maybe', CACHE_DEFAULT_TTL: '1' })
    } catch (error) {
      return error instanceof SettingsError ? error.problems.map((line) => line.split(' ')[0]) : error
    }
  }
  expect(problems()).toEqual(['CORS_ORIGINS', 'CACHE_ENABLED', 'CACHE_DEFAULT_TTL'])
})
