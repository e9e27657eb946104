import { describe, expect, it } from 'vitest'
import { overrideVars } from './vars.ts'

describe('overrideVars', () => {
  it('replaces the vars of the configuration by the environment', () => {
    expect(overrideVars({ GREETING: 'hello', OTHER: 'x' }, { GREETING: 'bye' })).toEqual({
      GREETING: 'bye',
      OTHER: 'x',
    })
  })

  it('adds settings that only the environment has, and nothing else of it', () => {
    const environment = {
      CACHE_VERSION: '2',
      CORS_ORIGINS: 'https://a.example',
      WARM_LIMIT: '3',
      ALERT_WEBHOOK_URL: 'https://b.example',
      HOME: '/home/me',
    }
    expect(overrideVars({}, environment)).toEqual({
      CACHE_VERSION: '2',
      CORS_ORIGINS: 'https://a.example',
      WARM_LIMIT: '3',
      ALERT_WEBHOOK_URL: 'https://b.example',
    })
  })

  it('takes an empty value, but not a missing one', () => {
    expect(overrideVars({ GREETING: 'hello' }, { GREETING: '' })).toEqual({ GREETING: '' })
    expect(overrideVars({ GREETING: 'hello' }, { GREETING: undefined })).toEqual({ GREETING: 'hello' })
  })

  it('lets the later environment win', () => {
    expect(
      overrideVars({ CACHE_ENABLED: 'true' }, { CACHE_ENABLED: 'x' }, { CACHE_ENABLED: 'false' }),
    ).toEqual({
      CACHE_ENABLED: 'false',
    })
  })
})
