import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runChecks } from './run-checks.ts'
import type { Command } from './run-command.ts'
import { summaryOf } from './tally.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'freshet-check-'))
})
afterEach(() => rm(root, { recursive: true }))

async function write(path: string, contents: unknown): Promise<void> {
  await mkdir(join(root, path, '..'), { recursive: true })
  await writeFile(join(root, path), JSON.stringify(contents))
}

const task = (name: string, kind: string, exitCode: number) => ({
  taskId: `${name}#${kind}`,
  task: kind,
  directory: `packages/${name}`,
  command: kind,
  execution: { exitCode },
})

/** A turbo that leaves `tasks` in its summary, and what else `alsoWrites` does. */
const turbo =
  (tasks: unknown[], alsoWrites: () => Promise<void> = async () => {}) =>
  async () => {
    await write('.turbo/runs/new.json', { tasks })
    await alsoWrites()
    return true
  }
const pack = async ({ args }: Command) => {
  await writeFile(join(args.at(-1) ?? '', 'library.tgz'), '')
  return true
}

/** Runs the checks; a command does what its entry says, or just succeeds. */
async function check(commands: Record<string, (command: Command) => Promise<boolean>>) {
  const ran: string[] = []
  const run = async (command: Command) => {
    ran.push(command.command)
    return (await commands[command.command]?.(command)) ?? true
  }
  const checks = await runChecks({ root, signal: new AbortController().signal, run })
  return { checks, ran, summary: summaryOf(checks) }
}

describe('runChecks', () => {
  it('adds up tasks, tests and tools', async () => {
    const report = { numPassedTests: 40, numFailedTests: 0, testResults: [] }
    const tasks = [task('a', 'lint', 0), task('a', 'test', 0), task('b', 'build', 0)]
    const { summary, ran } = await check({
      turbo: turbo(tasks, () => write('packages/a/reports/tests.json', report)),
      pnpm: pack,
    })
    expect(ran).toEqual(['turbo', 'knip', 'pnpm', 'publint', 'attw'])
    expect(summary).toBe('45 passed, 0 failed')
  })

  it('goes on after failures and names them', async () => {
    const no = async () => false
    const { summary } = await check({
      turbo: turbo([task('a', 'lint', 1)]),
      knip: no,
      pnpm: pack,
      publint: no,
      attw: no,
    })
    expect(summary).toBe(
      [
        'failed: a#lint',
        'failed: knip: nothing unused',
        'failed: publint: packages/cache-core is well packed',
        'failed: attw: the types of packages/cache-core resolve',
        '0 passed, 4 failed',
      ].join('\n'),
    )
  })

  it('counts no report that an earlier run left', async () => {
    await write('packages/a/reports/tests.json', { numPassedTests: 40, numFailedTests: 0, testResults: [] })
    await write('.turbo/runs/old.json', { tasks: [task('a', 'build', 0)] })
    const { summary } = await check({ turbo: turbo([task('a', 'test', 1)]), pnpm: pack })
    expect(summary).toBe('failed: a#test\n3 passed, 1 failed')
    expect(await readdir(join(root, 'packages/a/reports'))).toEqual([])
  })

  it('fails when turbo left no word, or the library cannot be packed', async () => {
    const { summary } = await check({ turbo: async () => false, pnpm: async () => false })
    expect(summary).toBe('failed: turbo\nfailed: packages/cache-core can be packed\n1 passed, 2 failed')
  })

  it('has no result when it was asked to stop', async () => {
    const signal = AbortSignal.abort(new Error('asked to stop'))
    await expect(runChecks({ root, signal, run: async () => false })).rejects.toThrow('asked to stop')
  })
})
