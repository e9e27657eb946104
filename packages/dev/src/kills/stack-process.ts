import { type ChildProcess, fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'

/** What the child says once its stack runs. */
const Ready = v.object({ urls: v.array(v.string()) })
const START_DEADLINE_MS = 90_000
/** Who has been killed is gone at once, but for those that nobody buries. */
const BURIAL_MS = 5_000

/** What `StackProcess` takes. */
export interface StackProcessOptions {
  /** Program that starts a stack, sends `{ urls }` to its parent, and ends with it. */
  program: string
  args: readonly string[]
  /** Hears what the Workers print. */
  onLine: (line: string) => void
}

/** A local stack in processes of its own, which can be killed all at once and started again. */
export class StackProcess {
  readonly #options: StackProcessOptions
  #child: ChildProcess | undefined

  constructor(options: StackProcessOptions) {
    this.#options = options
  }

  /** Starts it. @returns the addresses of its API Workers */
  async start(): Promise<string[]> {
    const { program, args, onLine } = this.#options
    // A group of its own: workerd, which Node starts, is in it too.
    const child = fork(program, [...args], { detached: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    this.#child = child
    const errors: string[] = []
    if (child.stdout !== null) createInterface(child.stdout).on('line', onLine)
    if (child.stderr !== null) createInterface(child.stderr).on('line', (line) => errors.push(line))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the stack did not start in time')), START_DEADLINE_MS)
      child.once('exit', (code, signal) => {
        clearTimeout(timer)
        // Too late for whoever was told that it runs, and asked for where it was killed: nobody hears of it then.
        reject(new Error(`the stack ended by itself (${signal ?? code}): ${errors.slice(-5).join(' | ')}`))
      })
      child.once('message', (message) => {
        clearTimeout(timer)
        const ready = v.safeParse(Ready, message)
        if (ready.success) resolve(ready.output.urls)
        else reject(new Error(`the stack said ${JSON.stringify(message)}`))
      })
    })
  }

  /** Whether its first process still runs. */
  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Kills all its processes without a word, and waits until they are gone. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child?.pid === undefined) return
    const isGone = new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve()
      else child.once('exit', () => resolve())
    })
    signalGroup(child.pid, 'SIGKILL')
    await isGone
    const deadline = performance.now() + BURIAL_MS
    while (signalGroup(child.pid, 0) && performance.now() < deadline) await sleep(10)
  }
}

/** @returns false when there is nobody in the group any more */
function signalGroup(group: number, signal: 'SIGKILL' | 0): boolean {
  try {
    process.kill(-group, signal)
    return true
  } catch {
    return false
  }
}
