import type { MessageQueue } from '@freshet/cache-core'
import type { QueueMessage } from '@freshet/cache-core/pipeline'
import type { EventLoop } from './event-loop.ts'
import { currentInvocation, type Invocation } from './invocation.ts'
import type { Network } from './network.ts'
import type { Random } from './random.ts'

/** Limits of Queues (PLATFORM.md). */
const MAX_BATCH = 100
const MAX_BATCH_BYTES = 256_000
const MAX_MESSAGE_BYTES = 128_000
const MAX_DELAY_SECONDS = 43_200
/** How long after a consumer died its messages come again. */
const REDELIVERY_MS = 30_000

/** What can go wrong with a queue, and how often. */
export interface QueueFaults {
  /** Share of sends that are refused. */
  refuseShare: number
  /** Share of sends that are accepted and lost. */
  loseShare: number
  /** Share of messages delivered more than once, and how often at most. */
  repeatShare: number
  maxRepeats: number
  /** Share of messages that come late, and how late at most. */
  lateShare: number
  maxLateMs: number
}

export const NO_QUEUE_FAULTS: QueueFaults = {
  refuseShare: 0,
  loseShare: 0,
  repeatShare: 0.02,
  maxRepeats: 1,
  lateShare: 0.05,
  maxLateMs: 5_000,
}

export interface QueueOptions {
  name: string
  batchSize: number
  concurrency: number
  maxRetries: number
  deadLetters: SimQueue | null
}

interface Message {
  id: string
  body: unknown
  attempts: number
}

/** Runs a batch in an invocation of some consumer isolate; `done` tells how it ended. */
export type Consumer = (
  queue: string,
  messages: readonly QueueMessage[],
  done: (how: 'returned' | 'threw' | 'died', invocation: Invocation) => void,
) => void

/** A queue: at least once, in no order, one consumer in several invocations at once. */
export class SimQueue {
  faults: QueueFaults = { ...NO_QUEUE_FAULTS }
  onLimit: (what: string) => void = () => {}
  onAccepted: (body: unknown) => void = () => {}
  /** A message goes back: its consumer asked for that, or failed. */
  onReturned: (body: unknown, invocation: Invocation) => void = () => {}
  consumer: Consumer = () => {}
  readonly options: QueueOptions
  #ids = 0
  #running = 0
  /** Messages due, waiting for a consumer. */
  #ready: Message[] = []
  /** Messages that are late, delayed or with a consumer. */
  #elsewhere = 0
  #isPumpDue = false
  readonly #loop: EventLoop
  readonly #network: Network
  readonly #random: Random

  constructor(options: QueueOptions, loop: EventLoop, network: Network, random: Random) {
    this.options = options
    this.#loop = loop
    this.#network = network
    this.#random = random
  }

  /** Messages not yet settled. */
  get backlog(): number {
    return this.#ready.length + this.#elsewhere
  }

  /** Bodies of messages that wait for a consumer. */
  get waiting(): unknown[] {
    return this.#ready.map(({ body }) => body)
  }

  readonly producer: MessageQueue = {
    send: (body, options) => this.#send([{ body, ...options }]),
    sendBatch: (messages) => this.#send([...messages]),
    metrics: async () => ({ backlogCount: this.#ready.length }),
  }

  /** Puts a message in, past the network: a producer outside of the world. */
  accept(body: unknown, delayMs = 0): void {
    this.onAccepted(body)
    const text = JSON.stringify(body)
    const copies = this.#random.chance(this.faults.repeatShare)
      ? 1 + this.#random.between(1, this.faults.maxRepeats)
      : 1
    const id = `${this.options.name}-${++this.#ids}`
    for (let copy = 0; copy < copies; copy++) {
      const late =
        this.#random.chance(this.faults.lateShare) || copy > 0 ? this.#random.below(this.faults.maxLateMs) : 0
      this.#later(delayMs + late, { id, body: JSON.parse(text), attempts: 0 })
    }
  }

  #send(messages: { body: unknown; delaySeconds?: number }[]): Promise<void> {
    const invocation = currentInvocation()
    this.#checkLimits(messages)
    return new Promise((resolve, reject) => {
      invocation.connect(() => {
        this.#loop.after(this.#network.queueLatency(), () => {
          const isRefused = this.#random.chance(this.faults.refuseShare)
          if (!isRefused && !this.#random.chance(this.faults.loseShare)) {
            for (const { body, delaySeconds = 0 } of messages) this.accept(body, delaySeconds * 1000)
          }
          this.#loop.after(this.#network.queueLatency(), () =>
            invocation.deliver(() => {
              invocation.disconnect()
              if (isRefused) invocation.host.met('queue', this.#loop.now)
              if (isRefused) reject(new Error('Queue sendBatch failed: Too Many Requests'))
              else resolve()
            }),
          )
        })
      })
    })
  }

  #checkLimits(messages: { body: unknown; delaySeconds?: number }[]): void {
    if (messages.length > MAX_BATCH) this.onLimit(`${messages.length} messages in one sendBatch`)
    let bytes = 0
    for (const { body, delaySeconds = 0 } of messages) {
      const size = Buffer.byteLength(JSON.stringify(body)) + 100
      if (size > MAX_MESSAGE_BYTES) this.onLimit(`a message of ${size} bytes`)
      if (delaySeconds > MAX_DELAY_SECONDS) this.onLimit(`a delay of ${delaySeconds} s`)
      bytes += size
    }
    if (bytes > MAX_BATCH_BYTES) this.onLimit(`${bytes} bytes in one sendBatch`)
  }

  #later(ms: number, message: Message): void {
    this.#elsewhere++
    this.#loop.after(ms, () => {
      this.#elsewhere--
      this.#ready.push(message)
      this.#schedulePump()
    })
  }

  #schedulePump(): void {
    if (this.#isPumpDue) return
    this.#isPumpDue = true
    this.#loop.after(this.#random.below(1_000), () => {
      this.#isPumpDue = false
      this.#pump()
    })
  }

  #pump(): void {
    const { batchSize, concurrency, name } = this.options
    while (this.#ready.length > 0 && this.#running < concurrency) {
      const count = Math.min(this.#ready.length, this.#random.between(1, batchSize))
      // No order is promised: take them as they come, from anywhere.
      const batch = Array.from({ length: count }, () =>
        this.#ready.splice(this.#random.below(this.#ready.length), 1),
      )
        .flat()
        .map((message) => new Delivery(message))
      this.#elsewhere += batch.length
      this.#running++
      this.consumer(name, batch, (how, invocation) => {
        this.#running--
        this.#elsewhere -= batch.length
        for (const delivery of batch) this.#settle(delivery, how, invocation)
        if (this.#ready.length > 0) this.#schedulePump()
      })
    }
  }

  #settle(delivery: Delivery, how: 'returned' | 'threw' | 'died', invocation: Invocation): void {
    const { settled, message, delaySeconds } = delivery
    if (settled === 'acked' || (settled === null && how === 'returned')) return
    if (how !== 'died') this.onReturned(message.body, invocation)
    const next = { ...message, attempts: message.attempts + 1 }
    if (next.attempts > this.options.maxRetries) {
      this.options.deadLetters?.accept(message.body)
      return
    }
    this.#later(settled === 'retried' ? delaySeconds * 1000 : REDELIVERY_MS, next)
  }
}

/** One delivery of a message: the first ack or retry wins. */
class Delivery implements QueueMessage {
  settled: 'acked' | 'retried' | null = null
  delaySeconds = 0
  readonly message: Message

  constructor(message: Message) {
    this.message = message
  }

  get id(): string {
    return this.message.id
  }
  get body(): unknown {
    return this.message.body
  }
  get attempts(): number {
    return this.message.attempts + 1
  }
  ack(): void {
    this.settled ??= 'acked'
  }
  retry({ delaySeconds = 0 }: { delaySeconds?: number } = {}): void {
    if (this.settled !== null) return
    this.settled = 'retried'
    this.delaySeconds = delaySeconds
  }
}

/** Says how a consumer's invocation ended, once. */
export function settleWith(
  invocation: Invocation,
  handler: () => Promise<void>,
  done: (how: 'returned' | 'threw' | 'died', invocation: Invocation) => void,
  threw: (error: unknown) => void,
): void {
  let how: 'returned' | 'threw' | 'died' = 'died'
  invocation.onEnd = () => done(how, invocation)
  invocation.deliver(() =>
    invocation.run(async () => {
      try {
        await handler()
        how = 'returned'
      } catch (error) {
        how = 'threw'
        threw(error)
      }
    }),
  )
}
