import { spawn } from 'node:child_process'

/** A command and how it is run. */
export interface Command {
  command: string
  args: readonly string[]
  cwd: string
  env?: Readonly<Record<string, string | undefined>>
  signal: AbortSignal
}

/** Runs a command, its output shown as it comes; answers whether it succeeded. A command that can't be run did not. */
export function runCommand({ command, args, cwd, env, signal }: Command): Promise<boolean> {
  return new Promise((resolve) => {
    // Asked to stop, it gets a SIGTERM and with it the time to stop its own children.
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      signal,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    child.on('error', (error) => {
      if (!signal.aborted) console.error(`${command}: ${error.message}`)
      resolve(false)
    })
    child.on('exit', (code) => resolve(code === 0))
  })
}
