import { Worker } from 'node:worker_threads'
import type { PlainVerdicts } from '../check/verdicts.ts'

/** One run to do. */
export interface Job {
  seed: number
  scenario: string
  /** A known design in Freshet's place. */
  design: string | null
}

/** What the worker of this repository posts. */
type Message = { ready: true } | { id: number; verdicts: PlainVerdicts } | { id: number; error: string }

/** Runs that take longer are stuck: the longest take seconds. */
const STUCK_MS = 120_000

/** Thrown for a run that goes on and on. */
export class StuckError extends Error {
  override name = 'StuckError'
}

/** A thread of its own for runs, one at a time. */
export class Thread {
  readonly #worker: Worker
  #ids = 0
  #pending: { id: number; resolve(verdicts: PlainVerdicts): void; reject(error: Error): void } | null = null

  constructor(mutant: string | null) {
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: { mutant } })
    this.#worker.on('message', (message: Message) => this.#receive(message))
    this.#worker.on('error', (error) =>
      this.#pending?.reject(error instanceof Error ? error : new Error(String(error))),
    )
    this.#worker.on('exit', () => this.#pending?.reject(new Error('the thread ended')))
  }

  /** @throws Error for a run that fails by itself, or is stuck */
  run(job: Job): Promise<PlainVerdicts> {
    const id = ++this.#ids
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new StuckError(`seed ${job.seed} of ${job.scenario} is stuck`)),
        STUCK_MS,
      )
      const settle = () => {
        clearTimeout(timer)
        this.#pending = null
      }
      this.#pending = {
        id,
        resolve: (verdicts) => {
          settle()
          resolve(verdicts)
        },
        reject: (error) => {
          settle()
          reject(error)
        },
      }
      this.#worker.postMessage({ id, ...job })
    })
  }

  async end(): Promise<void> {
    this.#pending = null
    await this.#worker.terminate()
  }

  #receive(message: Message): void {
    if ('ready' in message || this.#pending?.id !== message.id) return
    if ('error' in message) this.#pending.reject(new Error(message.error))
    else this.#pending.resolve(message.verdicts)
  }
}
