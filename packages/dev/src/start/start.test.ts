import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seedBatches } from '@freshet/cms/seed'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startSubject } from '../subject.ts'
import { type StartContext, start } from './start.ts'
import { parseStartOptions } from './start-options.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'freshet-start-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** Starts the real Workers with few rows; `onLine` sees each line as it is printed. */
function run(
  argv: string[],
  onLine: (line: string, stop: AbortController) => void,
  local: StartContext['local'] = {},
) {
  const stop = new AbortController()
  const lines: string[] = []
  const subject = {
    ...startSubject,
    seed: () => seedBatches({ posts: 20, users: 3, media: 3, plugins: 1, localUsers: true }),
  }
  const running = start(parseStartOptions(argv, {}), {
    subject,
    env: {},
    signal: stop.signal,
    write: (line) => {
      lines.push(line)
      onLine(line, stop)
    },
    local: { port: 0, stateDirectory: directory, ...local },
  })
  return running.then(() => lines)
}

describe('start', () => {
  it('is ready with both Workers, and stops when asked', async () => {
    let answers: Promise<number[]> = Promise.resolve([])
    const lines = await run(['--api', '2'], (line, stop) => {
      if (!line.startsWith('ready ')) return
      const urls = line.split(' ').slice(1)
      answers = Promise.all(urls.map(async (url) => (await fetch(`${url}/health`)).status))
      void answers.then(() => stop.abort())
    })
    expect(await answers).toEqual([200, 200])
    expect(lines.join('\n')).toMatch(/curl -si http:\S+\/api\/content\/content-\d+/)
    expect(lines.at(-1)).toBe('stopping')
  })

  it('stops while it starts, without a word of being ready', async () => {
    const lines = await run([], (line, stop) => {
      if (line.includes('seeding')) stop.abort(new Error('asked to stop'))
    })
    expect(lines.join('\n')).not.toContain('ready')
  })

  it('fails when a Worker is not healthy', async () => {
    const broken: StartContext['local'] = {
      configure: (options) => ({
        ...options,
        modules: [
          {
            type: 'ESModule',
            path: 'broken.mjs',
            contents: `export default { fetch: () => new Response('bad setting', { status: 503 }) }`,
          },
        ],
      }),
    }
    await expect(run([], () => {}, broken)).rejects.toThrow('/health answers 503: bad setting')
  })

  it('has a page of help', async () => {
    expect((await run(['--help'], () => {})).join()).toContain('--no-consumer')
  })
})
