import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seedBatches } from '@freshet/cms/seed'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startLocal } from './local/start-local.ts'
import { parseReplayOptions } from './replay/replay-options.ts'
import { runReplay } from './replay/run-replay.ts'
import { replaySubject, startSubject } from './subject.ts'

describe('the CMS that npm start shows', () => {
  it('has the users that are told, with their password', async () => {
    const seed = seedBatches({ posts: 3, users: 2, media: 2, plugins: 1, localUsers: true })
    const stack = await startLocal({ port: 0, cronSeconds: 0, seed })
    try {
      for (const { email, role } of startSubject.users) {
        const response = await fetch(`${stack.urls[0]}/auth/login`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ email, password: startSubject.password }),
        })
        expect(await response.json()).toMatchObject({
          data: { token: expect.any(String), user: { email, role } },
        })
      }
    } finally {
      await stack.stop()
    }
  })

  it('has a seed that asks for local users', () => {
    const statements = [...startSubject.seed()]
    expect(JSON.stringify(statements)).toContain('editor@example.com')
  })
})

describe('the CMS that npm run replay drives', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'freshet-subject-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('answers a replay without a stale read', async () => {
    const lines: string[] = []
    const argv = ['--limit', '600', '--writes', '0.05', '--concurrency', '4']
    const status = await runReplay(parseReplayOptions(argv, {}), {
      subject: replaySubject,
      // Short enough that reads of this short run can be too old at all.
      env: { CACHE_MAX_STALENESS_MS: '100' },
      signal: new AbortController().signal,
      write: (line) => lines.push(line),
      startProgress: () => ({ update() {}, end() {} }),
    })
    const output = lines.join('\n')
    expect(output).toMatch(/requests +600 /)
    expect(output).toMatch(/stale reads +0 \(older than 100 ms allow\)/)
    expect(output).toMatch(/errors +0/)
    expect(output).toMatch(/latency, memory +mean /)
    expect(status).toBe(0)
  }, 60_000)
})
