import type { StackProcess } from './stack-process.ts'

/** The lives of a stack that is killed and started again, one after the other. */
export class Lives {
  readonly #process: Pick<StackProcess, 'start' | 'kill' | 'isRunning'>
  #urls: Promise<string[]>
  #isRestarting = true
  kills = 0

  constructor(process: Pick<StackProcess, 'start' | 'kill' | 'isRunning'>) {
    this.#process = process
    this.#urls = this.#begin()
  }

  /**
   * The addresses of the API Workers, once they run.
   * @throws when the stack has ended by itself
   */
  async up(): Promise<string[]> {
    const urls = await this.#urls
    if (!this.#isRestarting && !this.#process.isRunning) throw new Error('the stack ended by itself')
    return urls
  }

  /** Kills the stack and starts it again, after all that were asked for before. */
  killed(): Promise<unknown> {
    const before = this.#urls
    this.#urls = before.then(async () => {
      this.#isRestarting = true
      await this.#process.kill()
      this.kills += 1
      return this.#begin()
    })
    return this.#urls
  }

  async #begin(): Promise<string[]> {
    const urls = await this.#process.start()
    this.#isRestarting = false
    return urls
  }
}
