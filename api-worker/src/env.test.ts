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
