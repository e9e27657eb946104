import { describe, expect, it } from 'vitest'
import { Isolate } from './isolate.ts'
import { parseSettings, SettingsError } from './settings.ts'

function problemsOf(env: Record<string, unknown>): readonly string[] {
  try {
    parseSettings(env)
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
  return []
}

describe('parseSettings', () => {
  it('has a default for each variable', () => {
    expect(parseSettings({})).toEqual({
      enabled: true,
      kvEnabled: true,
      defaultTtl: 3600,
      maxMemoryBytes: 50_000_000,
      maxEntries: 10_000,
      version: '1',
      maxStalenessMs: null,
      rolloutPercent: 100,
      debug: false,
      locationOrigin: null,
      foldedPlaces: 262_144,
      warmHourUtc: 3,
      verifySample: 0.001,
      alertWebhookUrl: null,
    })
  })

  it('reads each variable', () => {
    const env = {
      CACHE_ENABLED: 'false',
      CACHE_KV_ENABLED: 'false',
      CACHE_DEFAULT_TTL: '60',
      CACHE_MAX_MEMORY_SIZE: '2.5',
      CACHE_MAX_ENTRIES: '1',
      CACHE_VERSION: 'v2_b-C',
      CACHE_MAX_STALENESS_MS: '0',
      CACHE_ROLLOUT_PERCENT: '0.5',
      CACHE_DEBUG: 'true',
      CACHE_LOCATION_ORIGIN: 'https://api.example.com',
      CACHE_FOLDED_PLACES: '1024',
      WARM_HOUR_UTC: 'off',
      CACHE_VERIFY_SAMPLE: '0.25',
      ALERT_WEBHOOK_URL: 'https://alerts.example.com/hook?key=1',
      SOMETHING_ELSE: 17,
    }
    expect(parseSettings(env)).toEqual({
      enabled: false,
      kvEnabled: false,
      defaultTtl: 60,
      maxMemoryBytes: 2_500_000,
      maxEntries: 1,
      version: 'v2_b-C',
      maxStalenessMs: 0,
      rolloutPercent: 0.5,
      debug: true,
      locationOrigin: 'https://api.example.com',
      foldedPlaces: 1_024,
      warmHourUtc: null,
      verifySample: 0.25,
      alertWebhookUrl: 'https://alerts.example.com/hook?key=1',
    })
  })

  const flag = '"true" or "false"'
  it.each([
    ['CACHE_ENABLED', ['1', 'TRUE', '', 'yes', true, null], flag],
    ['CACHE_KV_ENABLED', ['0', 'no'], flag],
    [
      'CACHE_DEFAULT_TTL',
      ['59', '2592001', '1h', '60.5', '-60', '', ' 60', 3600],
      'whole seconds from 60 to 2592000',
    ],
    ['CACHE_MAX_MEMORY_SIZE', ['0', '101', '0.99', 'x', '1e1', 'Infinity'], 'megabytes from 1 to 100'],
    ['CACHE_MAX_ENTRIES', ['0', '1000001', '1.5'], 'a whole number from 1 to 1000000'],
    ['CACHE_VERSION', ['', 'a.b', 'a:b', 'x'.repeat(33), 'ü'], '1 to 32 letters, digits, "_" or "-"'],
    ['CACHE_MAX_STALENESS_MS', ['-1', '3600001', '1.5', 'NaN'], 'whole milliseconds from 0 to 3600000'],
    ['CACHE_ROLLOUT_PERCENT', ['-1', '101', '100.01', 'all'], 'a number from 0 to 100'],
    ['CACHE_DEBUG', ['on'], flag],
    ['CACHE_VERIFY_SAMPLE', ['-1', '1.01', 'all', '1 %'], 'a number from 0 to 1'],
    [
      'CACHE_LOCATION_ORIGIN',
      ['api.example.com', 'https://api.example.com/', 'ftp://api.example.com', ''],
      'the origin of a custom domain of the Worker, such as https://api.example.com',
    ],
    [
      'CACHE_FOLDED_PLACES',
      ['512', '2097152', '100000', '1024.5', ''],
      'a power of two from 1024 to 1048576',
    ],
    ['WARM_HOUR_UTC', ['24', '-1', '3.5', '', 'never'], 'a whole hour from 0 to 23, or "off"'],
  ])('a bad %s is named with what it holds and what it may hold', (name, values, allowed) => {
    for (const value of values) {
      expect(problemsOf({ [name]: value })).toEqual([
        expect.stringMatching(new RegExp(`^${name} is ${escaped(JSON.stringify(value))}; it may be `)),
      ])
      expect(problemsOf({ [name]: value })[0]).toContain(allowed)
    }
  })

  it.each(['http://alerts.example.com', 'alerts.example.com', '', 'ftp://x', 'https://'])(
    'a bad ALERT_WEBHOOK_URL, such as %j, is not told, since such URLs hold keys',
    (value) => {
      expect(problemsOf({ ALERT_WEBHOOK_URL: value })).toEqual([
        'ALERT_WEBHOOK_URL is something else; it may be a URL that begins with https://',
      ])
    },
  )

  it('takes a webhook on the machine itself without TLS', () => {
    const url = 'http://127.0.0.1:8080/hook'
    expect(parseSettings({ ALERT_WEBHOOK_URL: url }).alertWebhookUrl).toBe(url)
  })

  it('names all that is wrong at once', () => {
    const problems = problemsOf({ CACHE_ENABLED: 'x', CACHE_DEBUG: 'y', CACHE_VERSION: '1' })
    expect(problems.length).toBe(2)
    expect(() => parseSettings({ CACHE_ENABLED: 'x', CACHE_DEBUG: 'y' })).toThrow(problems.join('\n'))
  })

  it('makes an isolate of any settings that it takes', () => {
    for (const size of ['1', '1.001', '1.15', '33.333333333', '100']) {
      const settings = parseSettings({ CACHE_MAX_MEMORY_SIZE: size })
      expect(Number.isInteger(settings.maxMemoryBytes)).toBe(true)
      expect(() => new Isolate({ configs: {}, settings })).not.toThrow()
    }
  })
})

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
