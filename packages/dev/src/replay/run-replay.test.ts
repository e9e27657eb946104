import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ReplayContext, ReplaySubject } from './replay.ts'
import { parseReplayOptions } from './replay-options.ts'
import { runReplay } from './run-replay.ts'
import type { Patiences } from './train.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'freshet-replay-'))
})
afterEach(() => rm(directory, { recursive: true }))

/** The fixture's posts and users. */
const subject: ReplaySubject = {
  seedPosts: (count) =>
    Array.from({ length: count }, (_, i) => ({ sql: 'INSERT INTO posts VALUES (?, 1)', params: [`p${i}`] })),
  postId: (index) => `p${index}`,
  editor: 'editor',
  admin: 'admin',
  password: 'secret',
  boundMs: 5_000,
}

/** The fixture's pipeline does everything at once. */
const SHORT: Patiences = {
  flushMs: 20,
  counts: { everyMs: 10, atMostMs: 5_000 },
  quietMs: 20,
  jobs: { everyMs: 10, atMostMs: 5_000 },
}

/** Replays against the fixture's Workers and answers the status and what was printed. */
async function run(
  argv: string[],
  changes: Partial<ReplayContext> = {},
): Promise<{ status: number; output: string }> {
  const lines: string[] = []
  const status = await runReplay(parseReplayOptions(argv, {}), {
    subject,
    env: {},
    signal: new AbortController().signal,
    write: (line) => lines.push(line),
    startProgress: () => ({ update() {}, end() {} }),
    local: {
      directories: {
        api: join(import.meta.dirname, 'fixture/api'),
        consumer: join(import.meta.dirname, 'fixture/consumer'),
      },
    },
    ...changes,
  })
  return { status, output: lines.join('\n') }
}

describe('runReplay', () => {
  it('prints the figures of a trace and writes them as JSON', async () => {
    const trace = join(directory, 'trace.txt')
    await writeFile(trace, 'a\nb\na\na\nb\nc\na\nb\n'.repeat(20))
    const json = join(directory, 'figures.json')
    const { status, output } = await run([
      ...['--trace', trace, '--limit', '150', '--writes', '0.1', '--json', json, '--concurrency', '2'],
    ])
    expect(output).toContain('replaying 150 requests for 3 posts')
    expect(output).toMatch(/stale reads +0/)
    expect(status).toBe(0)

    const figures = JSON.parse(await readFile(json, 'utf8'))
    expect(figures).toMatchObject({ requests: 150, staleReads: 0, errors: 0 })
    expect(figures.reads + figures.writes).toBe(150)
    expect(figures.hitRate.combined).toBeGreaterThan(0.5)
    expect(figures.hitRate.combined).toBe(figures.hitRate.memory)
    expect(figures.ideal).toBeGreaterThanOrEqual(figures.hitRate.combined)
    // The fixture asks the database once for a hit and a write, twice for a miss, once with its cache off.
    expect(figures.d1Queries.uncached).toBe(150)
    expect(figures.d1Queries.cached).toBeGreaterThanOrEqual(150)
    expect(figures.training).toBeNull()
  })

  it('trains first, and measures the rest in Workers that have forgotten all', async () => {
    const trace = join(directory, 'trace.txt')
    await writeFile(trace, 'a\nb\n'.repeat(100))
    const json = join(directory, 'figures.json')
    const argv = ['--trace', trace, '--writes', '0', '--train', '0.5', '--json', json, '--concurrency', '1']
    const { status, output } = await run(argv, { patiences: SHORT })
    expect(status).toBe(0)
    expect(output).toContain('2 of 2 warm jobs are done\n')
    expect(output).toMatch(/training +100 requests in .* s, 2 popular recipes, 2 of 2 warm jobs done/)

    const figures = JSON.parse(await readFile(json, 'utf8'))
    expect(figures).toMatchObject({
      requests: 100,
      // The best cache has both from the training.
      ideal: 1,
      training: { requests: 100, popular: 2, warmJobs: { sent: 2, done: 2 }, staleReads: 0, errors: 0 },
    })
    // Each Worker gets one of the two posts, and only has it once it has read it.
    expect(figures.hitRate.memory).toBe(0.98)
  })

  it('leaves the warm batch out on request', async () => {
    const { status, output } = await run(['--limit', '40', '--train', '0.5', '--no-warm'], {
      patiences: SHORT,
    })
    expect(output).toMatch(/training +20 requests in .*, no warm batch/)
    expect(status).toBe(0)
  })

  it('counts what went wrong in the training', async () => {
    let asked = 0
    const forgetful: ReplaySubject = { ...subject, postId: () => (asked++ < 5 ? 'unknown' : 'p0') }
    const { status, output } = await run(['--limit', '40', '--train', '0.5', '--writes', '0'], {
      subject: forgetful,
      patiences: SHORT,
    })
    expect(output).toMatch(/errors +5\n/)
    expect(output).toContain('error: GET /api/content/unknown answered 404')
    expect(status).toBe(1)
  })

  it('has D1 take its time on request', async () => {
    const json = join(directory, 'figures.json')
    const { status } = await run(['--limit', '10', '--writes', '0', '--latency', '--json', json])
    expect(status).toBe(0)
    const figures = JSON.parse(await readFile(json, 'utf8'))
    // The fixture notes what is read, and reads: two calls.
    expect(figures.latencyMs.uncached.p50).toBeGreaterThanOrEqual(100)
  })

  it('finds the stale reads of a cache that is broken', async () => {
    const trace = join(directory, 'trace.txt')
    await writeFile(trace, 'a\n'.repeat(200))
    const env = { CACHE_MODE: 'broken', CACHE_MAX_STALENESS_MS: '0' }
    const { status, output } = await run(['--trace', trace, '--writes', '0.2', '--concurrency', '1'], { env })
    expect(output).toMatch(
      /stale: p0 read from http:\/\/127\.0\.0\.1:\d+ \(memory\) had version 1, at least 2 was due/,
    )
    expect(output).toMatch(/stale reads +[1-9]\d* \(older than 0 ms allow\)/)
    expect(status).toBe(1)
  })

  it('reports failed requests', async () => {
    const seedless: ReplaySubject = { ...subject, seedPosts: () => [] }
    const { status, output } = await run(['--limit', '20'], { subject: seedless })
    expect(output).toMatch(/errors +40/)
    expect(output).toContain('error: GET /api/content/p')
    expect(output).toContain('answered 404')
    expect(status).toBe(1)
  })

  it('fails when it cannot log in', async () => {
    await expect(run(['--limit', '20'], { subject: { ...subject, password: 'wrong' } })).rejects.toThrow(
      'POST /auth/login answered 401',
    )
  })

  it('ends without figures when asked to stop', async () => {
    const { status, output } = await run(['--limit', '20'], { signal: AbortSignal.abort(new Error('stop')) })
    expect(output).toContain('stopped before the end')
    expect(status).toBe(130)
  })

  it('has a page of help', async () => {
    const { status, output } = await run(['--help'])
    expect(output).toContain('--trace FILE')
    expect(status).toBe(0)
  })
})
