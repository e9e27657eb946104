import { glob, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Command, runCommand } from './run-command.ts'
import { type Check, oneCheck } from './tally.ts'
import { checkOf, parseSummary } from './turbo-tasks.ts'

/** Tasks of every package, in turbo's order and from its cache. */
const TASKS = ['typecheck', 'lint', 'test', 'build']
/** Where turbo writes what it did. */
const SUMMARIES = '.turbo/runs'
/** Where vitest.shared.ts has the tests' report written, below each package. */
const REPORT = 'reports/tests.json'
/** The library that others install. */
const PUBLISHED = 'packages/cache-core'

/** Where and how the checks run. */
export interface ChecksOptions {
  /** Root of the repository. */
  root: string
  signal: AbortSignal
  /** Runs a command; tests give their own. */
  run?: (command: Command) => Promise<boolean>
}

/** Runs every check there is, each to its end, whatever the others say. */
export async function runChecks({ root, signal, run = runCommand }: ChecksOptions): Promise<Check[]> {
  const command = (command: string, ...args: string[]) => run({ command, args, cwd: root, signal })
  const checks = [
    ...(await turboChecks(root, command)),
    oneCheck('knip: nothing unused', await command('knip')),
    ...(await packageChecks(command)),
  ]
  signal.throwIfAborted()
  return checks
}

type Run = (command: string, ...args: string[]) => Promise<boolean>

async function turboChecks(root: string, run: Run): Promise<Check[]> {
  // What an earlier run left must not be counted as this one's.
  await rm(join(root, SUMMARIES), { recursive: true, force: true })
  for await (const report of glob(`{*,*/*}/${REPORT}`, { cwd: root })) await rm(join(root, report))

  await run(
    'turbo',
    'run',
    ...TASKS,
    '--continue=always',
    '--concurrency=2',
    '--summarize',
    '--output-logs=new-only',
  )
  const [summary] = await readdir(join(root, SUMMARIES)).catch(() => [])
  if (summary === undefined) return [oneCheck('turbo', false)]
  const tasks = parseSummary(await readFile(join(root, SUMMARIES, summary), 'utf8'))
  return Promise.all(
    tasks.map(async (task) =>
      checkOf(task, await readFile(join(root, task.directory, REPORT), 'utf8').catch(() => null)),
    ),
  )
}

/** Whether others can use the library as npm would hand it to them: its package.json, its types. */
async function packageChecks(run: Run): Promise<Check[]> {
  const directory = await mkdtemp(join(tmpdir(), 'freshet-pack-'))
  try {
    const packed = await run('pnpm', '--dir', PUBLISHED, 'pack', '--pack-destination', directory)
    const [file] = await readdir(directory)
    if (!packed || file === undefined) return [oneCheck(`${PUBLISHED} can be packed`, false)]
    const tarball = join(directory, file)
    return [
      oneCheck(`publint: ${PUBLISHED} is well packed`, await run('publint', 'run', tarball, '--strict')),
      oneCheck(
        `attw: the types of ${PUBLISHED} resolve`,
        await run('attw', tarball, '--profile', 'esm-only', '--no-emoji'),
      ),
    ]
  } finally {
    await rm(directory, { recursive: true })
  }
}
