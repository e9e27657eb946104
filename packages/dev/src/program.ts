import { describeFailure } from './failure.ts'
import { onStopRequest, type StopSource } from './stop-request.ts'

/** What every program of this package gets. */
export interface ProgramContext {
  argv: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  /** Aborted once somebody asked the program to stop. */
  signal: AbortSignal
  write: (line: string) => void
}

/** As much of `process` as a program needs; tests give their own. */
export interface ProgramHost extends StopSource {
  argv: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  exitCode?: number | string | null | undefined
  exit(status: number): void
  /** Whether there is an IPC channel, which would keep the process alive. */
  connected?: boolean
  disconnect?(): void
}

/** How long stopping may take before the process ends without it. */
const STOP_DEADLINE_MS = 10_000
/** How long what a program left behind may take: Miniflare removes its temporary directory after it said that it has ended. */
const AFTERMATH_MS = 2_000
/** As a shell reports a program that Ctrl-C ended. */
const INTERRUPTED = 130

/**
 * Runs a program to its exit status. Asked to stop, it has a moment for it; asked again by an impatient person, or when it
 * takes too long, the process just ends.
 */
export async function runProgram(
  main: (context: ProgramContext) => Promise<number>,
  host: ProgramHost = process,
): Promise<void> {
  const signal = onStopRequest(host, () => host.exit(INTERRUPTED))
  signal.addEventListener('abort', () => setTimeout(() => host.exit(INTERRUPTED), STOP_DEADLINE_MS).unref())
  const write = (line: string) => console.log(line)
  let status = 1
  try {
    status = await main({ argv: host.argv.slice(2), env: host.env, signal, write })
  } catch (error) {
    console.error(describeFailure(error))
  }
  host.exitCode = status
  if (host.connected) host.disconnect?.()
  setTimeout(() => host.exit(status), AFTERMATH_MS).unref()
}
