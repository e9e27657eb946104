import type { QueueMessage } from '../src/pipeline/queue.ts'

/** A queue's message that notes what became of it: the first `ack` or `retry` wins, as in a real queue. */
export class TestMessage implements QueueMessage {
  readonly id: string
  readonly body: unknown
  readonly attempts: number
  outcome: 'acked' | 'retried' | null = null
  delaySeconds: number | undefined
  readonly #onSettled: () => void

  constructor(id: string, body: unknown, attempts = 1, onSettled = () => {}) {
    this.id = id
    this.body = body
    this.attempts = attempts
    this.#onSettled = onSettled
  }

  ack(): void {
    if (this.outcome !== null) return
    this.outcome = 'acked'
    this.#onSettled()
  }

  retry(options?: { delaySeconds?: number }): void {
    if (this.outcome !== null) return
    this.outcome = 'retried'
    this.delaySeconds = options?.delaySeconds
    this.#onSettled()
  }
}

/** What became of messages, in order. */
export const outcomes = (messages: readonly TestMessage[]) => messages.map(({ outcome }) => outcome)
