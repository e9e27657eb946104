import type { QueueMessage } from '@freshet/cache-core/pipeline'
import type { ManualRuntime } from '@freshet/test-support'

interface Waiting {
  id: string
  body: unknown
  attempts: number
}

/** How a queue delivers, as in wrangler.jsonc. */
export interface VirtualQueueOptions {
  batchSize: number
  /** How long a batch that is not full waits. */
  timeoutMs: number
  concurrency: number
  maxRetries: number
}

/** A queue in virtual time: batches, retries after their delays, several consumers at once, dead letters. */
export class VirtualQueue {
  /** Bodies that all retries did not help. */
  readonly dead: unknown[] = []
  sends = 0
  #ids = 0
  #ready: Waiting[] = []
  #delayed = 0
  #running = 0
  #timer: number | null = null
  readonly #clock: ManualRuntime
  readonly #options: VirtualQueueOptions
  readonly #consume: (messages: readonly QueueMessage[]) => Promise<void>

  constructor(
    clock: ManualRuntime,
    options: VirtualQueueOptions,
    consume: (messages: readonly QueueMessage[]) => Promise<void>,
  ) {
    this.#clock = clock
    this.#options = options
    this.#consume = consume
  }

  get isIdle(): boolean {
    return this.#ready.length === 0 && this.#delayed === 0 && this.#running === 0
  }

  send = async (body: unknown, { delaySeconds = 0 }: { delaySeconds?: number } = {}): Promise<void> => {
    this.sends++
    this.#later({ id: String(++this.#ids), body, attempts: 0 }, delaySeconds * 1000)
  }

  sendBatch = async (messages: Iterable<{ body: unknown }>): Promise<void> => {
    for (const { body } of messages) await this.send(body)
  }

  #later(message: Waiting, ms: number): void {
    this.#delayed++
    this.#clock.setTimeout(() => {
      this.#delayed--
      this.#ready.push(message)
      this.#dispatch()
    }, ms)
  }

  #dispatch(): void {
    const { batchSize, concurrency, timeoutMs } = this.#options
    while (this.#ready.length >= batchSize && this.#running < concurrency) this.#deliver()
    if (this.#ready.length === 0 || this.#timer !== null || this.#running >= concurrency) return
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = null
      if (this.#ready.length > 0 && this.#running < concurrency) this.#deliver()
      this.#dispatch()
    }, timeoutMs)
  }

  #deliver(): void {
    const batch = this.#ready.splice(0, this.#options.batchSize)
    this.#running++
    const outcomes = new Map<string, number | 'acked'>()
    const messages = batch.map(({ id, body, attempts }): QueueMessage => {
      const settle = (outcome: number | 'acked') => {
        if (!outcomes.has(id)) outcomes.set(id, outcome)
      }
      return {
        id,
        body,
        attempts: attempts + 1,
        ack: () => settle('acked'),
        retry: ({ delaySeconds = 0 } = {}) => settle(delaySeconds * 1000),
      }
    })
    void this.#consume(messages).then(() => {
      this.#running--
      for (const message of batch) {
        const outcome = outcomes.get(message.id) ?? 'acked'
        if (outcome === 'acked') continue
        if (message.attempts >= this.#options.maxRetries) this.dead.push(message.body)
        else this.#later({ ...message, attempts: message.attempts + 1 }, outcome)
      }
      this.#dispatch()
    })
  }
}
