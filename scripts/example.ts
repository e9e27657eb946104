// `npm run example`: a Worker's directory in `wrangler dev`, over a migrated local database whose binding is DB. The first argument
// is the directory, the others go to `wrangler dev`.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { PlainError } from '../packages/dev/src/plain-error.ts'
import { runProgram } from '../packages/dev/src/program.ts'

await runProgram(async ({ argv: [path = '.', ...args], signal, write }) => {
  const directory = resolve(path)
  if (!existsSync(join(directory, 'wrangler.jsonc')))
    throw new PlainError(`there is no wrangler.jsonc in ${directory}`)

  write(`freshet: migrating the local database of ${directory}`)
  const migration = await runWrangler(directory, ['d1', 'migrations', 'apply', 'DB', '--local'], signal, true)
  if (migration.status !== 0) write(migration.output)
  if (migration.status !== 0 || signal.aborted) return migration.status
  return (await runWrangler(directory, ['dev', ...args], signal)).status
})

/**
 * Runs wrangler to its end. It gets no standard input: with a terminal there it would take Ctrl-C for a key of its own.
 * @param isQuiet whether its output is only answered
 */
function runWrangler(directory: string, args: readonly string[], signal: AbortSignal, isQuiet = false) {
  const child = spawn(join(directory, 'node_modules/.bin/wrangler'), args, {
    cwd: directory,
    // Otherwise it fetches the `cf` object of a request from the network.
    env: { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: 'false' },
    stdio: isQuiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
  })
  const output: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => output.push(chunk))
  const stop = () => child.kill('SIGINT')
  signal.addEventListener('abort', stop)
  return new Promise<{ status: number; output: string }>((settle, reject) => {
    child.on('error', reject)
    child.on('close', (status) => {
      settle({ status: signal.aborted ? 0 : (status ?? 1), output: Buffer.concat(output).toString() })
    })
  })
}
