import { describe, expect, it } from 'vitest'
import type { HttpAnswer, HttpRequest } from '../replay/http-client.ts'
import { warm } from './warm.ts'
import { parseWarmOptions, WARM_HELP } from './warm-options.ts'

const local = { email: 'admin@example.com', password: 'secret' }

describe('the command line', () => {
  it('knows the local administrator, and asks for another one elsewhere', () => {
    expect(parseWarmOptions([], {}, local)).toEqual({
      help: false,
      url: 'http://localhost:8787',
      ...local,
      timeoutSeconds: 300,
    })
    const env = { FRESHET_EMAIL: 'a@b.c', FRESHET_PASSWORD: 'p' }
    expect(parseWarmOptions(['--url', 'https://api.example.com/'], env, local)).toMatchObject({
      url: 'https://api.example.com',
      email: 'a@b.c',
      password: 'p',
    })
    expect(() => parseWarmOptions(['--url', 'https://api.example.com'], {}, local)).toThrow(
      'set FRESHET_EMAIL and FRESHET_PASSWORD to an administrator of api.example.com',
    )
  })

  it('says what is wrong', () => {
    expect(() => parseWarmOptions(['--url', 'example'], {}, local)).toThrow('--url is "example"; it may be')
    expect(() => parseWarmOptions(['--url', 'ftp://example'], {}, local)).toThrow('--url is')
    expect(() => parseWarmOptions(['--timeout', '0'], {}, local)).toThrow('--timeout')
  })
})

describe('a warm-up', () => {
  const options = { help: false, url: 'http://api', ...local, timeoutSeconds: 1 }

  /** An API whose consumer has done so many jobs at each look. */
  function api(looks: readonly number[], statuses: Record<string, number> = {}) {
    const seen: string[] = []
    const lines: string[] = []
    let look = 0
    const answer = (status: number, data: unknown): HttpAnswer => ({
      status,
      headers: {},
      body: JSON.stringify({ data }),
    })
    const send = async (url: string, { method = 'GET', headers }: HttpRequest = {}) => {
      const path = `${method} ${new URL(url).pathname}`
      seen.push(`${path} ${headers?.authorization ?? 'nobody'}`)
      const status = statuses[path]
      if (status !== undefined) return answer(status, 'no')
      if (path === 'POST /auth/login') return answer(200, { token: 't' })
      if (path === 'POST /admin/cache/warm') return answer(202, {})
      const n = looks[Math.min(look++, looks.length - 1)] ?? 0
      return answer(200, { lastDay: { lanes: { low: { outcomes: { loaded: n, fresh: n > 0 ? 1 : 0 } } } } })
    }
    const run = (changes: Partial<typeof options> = {}) =>
      warm(
        { ...options, ...changes },
        {
          http: { send },
          signal: new AbortController().signal,
          write: (line) => lines.push(line),
          lookEveryMs: 1,
        },
      )
    return { run, seen, lines }
  }

  it('is asked for and watched until nothing moves any more', async () => {
    const { run, seen, lines } = api([2, 2, 5, 9])
    expect(await run()).toBe(0)
    expect(seen.slice(0, 3)).toEqual([
      'POST /auth/login nobody',
      'GET /admin/cache/warming Bearer t',
      'POST /admin/cache/warm Bearer t',
    ])
    expect(lines).toEqual([
      'the consumer warms everything anew',
      '3 jobs done',
      '7 jobs done',
      'done: 7 loaded',
    ])
  })

  it('that is not done in time is said to be so', async () => {
    const { run, lines } = api([0])
    expect(await run({ timeoutSeconds: 0.05 })).toBe(1)
    expect(lines.at(-1)).toBe('not done within 0.05 s: no job was seen')
  })

  it('that is refused says by whom', async () => {
    await expect(api([0], { 'POST /auth/login': 401 }).run()).rejects.toThrow('POST /auth/login answered 401')
    await expect(api([0], { 'POST /admin/cache/warm': 403 }).run()).rejects.toThrow('answered 403')
  })

  it('explains itself', async () => {
    const { run, lines } = api([])
    expect(await run({ help: true })).toBe(0)
    expect(lines).toEqual([WARM_HELP])
  })
})
