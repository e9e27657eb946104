import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PlainError } from '../plain-error.ts'

/** A directory that another running stack uses: two of them over one database only answer SQLITE_BUSY. */
export class StateBusyError extends PlainError {
  override name = 'StateBusyError'
  constructor(directory: string, lock: string, pid: number) {
    super(
      `process ${pid} already runs on the state in ${directory}: stop it first (if it isn't Freshet, delete the file ${lock})`,
    )
  }
}

/** The locks of this process: a lock with our pid that is not among them was left by a process that had it before us. */
const held = new Set<string>()

/** What a local stack keeps between runs. */
export interface State {
  /** Miniflare's databases and namespaces. */
  dataDirectory: string
  /** Whether these were migrated and seeded to the end. */
  complete: boolean
  /** Writes down that they are. */
  markComplete(): Promise<void>
  /** Lets the next process have the directory. */
  release(): Promise<void>
}

/** State that nobody comes back to: releasing it removes it. */
export async function temporaryState(): Promise<State> {
  const directory = await mkdtemp(join(tmpdir(), 'freshet-'))
  return {
    dataDirectory: directory,
    complete: false,
    markComplete: async () => {},
    release: () => rm(directory, { recursive: true, force: true }),
  }
}

/**
 * Takes the state in `directory` for this process. Data whose seeding was cut short is dropped, like all of it with `fresh`:
 * half a database would look like a whole one.
 */
export async function openState(directory: string, options: { fresh: boolean }): Promise<State> {
  const lock = join(directory, 'lock')
  const marker = join(directory, 'complete')
  const dataDirectory = join(directory, 'data')

  await mkdir(directory, { recursive: true })
  await takeLock(directory, lock)
  const complete = !options.fresh && (await exists(marker))
  if (!complete) {
    await rm(marker, { force: true })
    await rm(dataDirectory, { recursive: true, force: true })
  }
  return {
    dataDirectory,
    complete,
    markComplete: () => writeFile(marker, ''),
    release: async () => {
      held.delete(lock)
      await rm(lock, { force: true })
    },
  }
}

async function takeLock(directory: string, lock: string): Promise<void> {
  try {
    await writeFile(lock, String(process.pid), { flag: 'wx' })
  } catch {
    const owner = Number(await readFile(lock, 'utf8').catch(() => ''))
    const busy = owner === process.pid ? held.has(lock) : isRunning(owner)
    if (busy) throw new StateBusyError(directory, lock, owner)
    // Its owner was killed and could not tidy up.
    await writeFile(lock, String(process.pid))
  }
  held.add(lock)
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // It runs, but for somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}
