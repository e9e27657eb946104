import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { replaySubject } from '../subject.ts'
import { parseKillsOptions } from './kills-options.ts'
import { runKills } from './run-kills.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'freshet-kills-'))
})
afterEach(() => rm(directory, { recursive: true }))

async function run(argv: string[]): Promise<{ status: number; output: string }> {
  const lines: string[] = []
  const status = await runKills(parseKillsOptions(argv, {}), {
    subject: replaySubject,
    program: resolve(import.meta.dirname, '../kills-stack.bin.ts'),
    signal: new AbortController().signal,
    write: (line) => lines.push(line),
    startProgress: () => ({ update() {}, end() {} }),
  })
  return { status, output: lines.join('\n') }
}

describe('runKills', () => {
  it('kills both Workers while they are written to, and finds everything in the end', async () => {
    const json = join(directory, 'figures.json')
    const { status, output } = await run(['--events', '40', '--kills', '2', '--json', json])
    expect(output).toMatch(/events +40 writes to \d+ posts, answered/)
    expect(output).toMatch(/kills +2 at random moments, one at the end; 3 restarts/)
    expect(output).toMatch(/failures +0/)
    expect(status).toBe(0)
    const figures = JSON.parse(await readFile(json, 'utf8'))
    expect(figures).toMatchObject({ events: 40, kills: 2, restarts: 3, failures: [] })
    // Their messages died with the queues.
    expect(figures.relayed).toBeGreaterThan(0)
    expect(figures.logRows).toBeGreaterThanOrEqual(40)
  }, 120_000)

  it('has a page of help', async () => {
    expect(await run(['--help'])).toMatchObject({ status: 0, output: expect.stringContaining('--kills N') })
  })
})
