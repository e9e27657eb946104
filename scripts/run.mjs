#!/usr/bin/env node
// Runs a command of this repository with the toolchain it needs, on a machine that has only Node 20+ and npm.
// wrangler needs a newer Node than many machines have and pnpm is seldom global: `npx` brings both from npm, then the
// workspace is installed, then the command runs with both first on its PATH. Plain JavaScript, since it runs on the
// machine's own Node.
import { spawn, spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE = 'node@24'
const PNPM = 'pnpm@10'
const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const caller = process.env.INIT_CWD ?? process.cwd()

/** The directory that npx put node and pnpm into: first on the PATH that it gives to a command. */
function toolchainPath() {
  const probe = `node -e ${JSON.stringify('console.log(JSON.stringify(process.env.PATH))')}`
  const found = spawnSync('npx', ['--yes', '-p', NODE, '-p', PNPM, '-c', probe], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (found.status !== 0) fail(`npx could not bring ${NODE} and ${PNPM} from the npm registry`)
  return JSON.parse(found.stdout.trim().split('\n').at(-1))
}

function fail(message) {
  console.error(`freshet: ${message}`)
  process.exit(1)
}

const [command, ...args] = process.argv.slice(2)
if (command === undefined) fail('usage: node scripts/run.mjs COMMAND [ARGS…]')

const env = {
  ...process.env,
  PATH: `${join(root, 'node_modules/.bin')}:${toolchainPath()}`,
  // A path that the user typed is relative to where they typed it.
  FRESHET_CALLER_DIR: caller,
  TURBO_TELEMETRY_DISABLED: '1',
  WRANGLER_SEND_METRICS: 'false',
}

await install()

// A process group of its own: Ctrl-C then reaches the command only through here, so that it can stop its own children in
// order, and whatever they leave behind goes with the group. The IPC channel closes when this process ends in whatever
// manner: the command takes that as its order to stop.
const child = spawn(command, args, {
  cwd: root,
  env,
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  detached: true,
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
stopWithNpm()
child.on('error', (error) => fail(`could not run ${command}: ${error.message}`))
child.on('exit', (code, signal) => {
  killGroup(child.pid)
  process.exit(code ?? (signal ? 1 : 0))
})

/** Installs the workspace as the lockfile has it, or ends this process. */
async function install() {
  const options = ['--frozen-lockfile', '--prefer-offline', '--reporter=append-only', '--loglevel=warn']
  const pnpm = spawn('pnpm', ['install', ...options], {
    cwd: root,
    env: { ...env, CI: 'true' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  // Its errors are written where all else is.
  let output = ''
  pnpm.stdout.on('data', (chunk) => {
    output += chunk
    process.stdout.write(chunk)
  })
  const status = await new Promise((resolve) => pnpm.on('close', resolve).on('error', resolve))
  if (status === 0) return
  if (!output.includes('ERR_PNPM_OUTDATED_LOCKFILE')) fail('pnpm install failed; its output is above')
  fail(`pnpm-lock.yaml does not know a package of this workspace, or a dependency of one. To write it anew, run
  npx --yes ${PNPM} install --no-frozen-lockfile
in ${root}, and then this command again`)
}

/** An npm that was killed hands nothing on. The scripts in package.json say `exec`, so that npm is our parent, no shell. */
function stopWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return
  const npm = process.ppid
  setInterval(() => process.ppid === npm || child.kill('SIGTERM'), 500).unref()
}

function killGroup(group) {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // Nobody is left in it, as it should be.
  }
}
