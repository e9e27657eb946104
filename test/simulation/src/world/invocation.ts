import { AsyncLocalStorage } from 'node:async_hooks'
import type { EventLoop } from './event-loop.ts'
import type { Host } from './host.ts'

/** What `waitUntil` gives after the answer (PLATFORM.md). */
const WAIT_UNTIL_MS = 30_000
/** Connections of one invocation that may wait for an answer; the next one queues. */
const MAX_CONNECTIONS = 6
/** How long a reader waits for D1; an operation that has waited for its connection so long has little of that left. */
const DEADLINE_MS = 3_000
const STARVED_MS = 2_000

/** The invocation whose code is running: what it awaits goes on in it, as in workerd. */
const current = new AsyncLocalStorage<Invocation>()

/** @throws Error when code runs outside of any invocation: there would be nobody to do its I/O */
export function currentInvocation(): Invocation {
  const invocation = current.getStore()
  if (invocation === undefined) throw new Error('I/O outside of an invocation')
  return invocation
}

/**
 * One request, queue batch or cron run. I/O and timers belong to it: when it ends or is killed, none of their outcomes is
 * ever delivered, to whomever waits for them.
 */
export class Invocation {
  readonly host: Host
  readonly kind: string
  isAlive = true
  /** Against the limits of one invocation. */
  d1Queries = 0
  kvOperations = 0
  /** Operations that will never be answered: each keeps its connection. */
  hung = 0
  /** Whether its isolate froze meanwhile: then nothing of it can be in time. */
  wasFrozen = false
  /** Whether the isolate was frozen already when it began: its time went by before it could do anything. */
  beganFrozen = false
  /** What a bare `set` is about to commit, for the oracle, and the transaction in which it did. */
  setting: { path: string; text: string; txn: number | null } | null = null
  /** Called when it ends, in whatever way. */
  onEnd: (() => void) | null = null
  /** Called when the time for `waitUntil` runs out on it. */
  onRanOut: (() => void) | null = null
  /** Asked at each delivery: whether the invocation dies right before or right after it, and how long the CPU is busy. */
  fate: (() => { dies: 'before' | 'after' | null; busyMs: number }) | null = null
  #connections = 0
  readonly #queued: { start: () => void; since: number }[] = []
  #starvedUntil = Number.NEGATIVE_INFINITY
  #waits = 0
  #hasAnswered = false
  readonly #loop: EventLoop

  constructor(host: Host, kind: string, loop: EventLoop) {
    this.host = host
    this.kind = kind
    this.#loop = loop
  }

  /** Runs the handler; the invocation lives until its answer and all of `waitUntil` are done, or the time for that is up. */
  run(handler: () => Promise<void>): void {
    if (!this.isAlive) return
    const answered = () => {
      this.#hasAnswered = true
      this.#endIfDone()
      if (this.isAlive) {
        this.#loop.after(WAIT_UNTIL_MS, () => {
          if (this.isAlive) this.onRanOut?.()
          this.end()
        })
      }
    }
    current.run(this, handler).then(answered, answered)
  }

  waitUntil = (promise: Promise<unknown>): void => {
    this.#waits++
    const done = () => {
      this.#waits--
      this.#endIfDone()
    }
    promise.then(done, done)
  }

  end(): void {
    if (!this.isAlive) return
    this.isAlive = false
    this.host.invocations.delete(this)
    this.onEnd?.()
  }

  /** Delivers an outcome, when the isolate is not frozen; never when the invocation is gone. */
  deliver(run: () => void): void {
    if (!this.isAlive) return
    const { now } = this.#loop
    const { host } = this
    const free = Math.max(host.frozenUntil, host.busyUntil)
    if (free > now) {
      this.#loop.at(free, () => this.deliver(run))
      return
    }
    const { dies, busyMs } = this.fate?.() ?? { dies: null, busyMs: 0 }
    if (dies === 'before') this.end()
    else if (busyMs > 0) {
      // An isolate has one thread: whatever else arrives waits for it as well, in its order.
      host.busyUntil = now + busyMs
      this.#loop.at(host.busyUntil, () => this.#arrive(run, now, dies !== null))
    } else this.#arrive(run, now, dies !== null)
  }

  /** The outcome is there since `at`; code that runs now still sees the clock of then. */
  #arrive(run: () => void, at: number, isLast: boolean): void {
    if (!this.isAlive) return
    this.host.clock = Math.max(this.host.clock, at)
    current.run(this, run)
    // What it goes on to do up to its next operation, it does; that operation is never sent.
    if (isLast) this.end()
  }

  /**
   * Whether what it asks for is not even sent: all its connections hang, or what hangs and what a tier is too slow for has held them for
   * longer than anybody waits.
   */
  get isStuck(): boolean {
    if (this.hung >= MAX_CONNECTIONS) return true
    const { now } = this.#loop
    const isTroubled = this.hung > 0 || this.host.faultAt >= now - STARVED_MS
    const [oldest] = this.#queued
    return (
      isTroubled && (now <= this.#starvedUntil || (oldest !== undefined && now - oldest.since >= STARVED_MS))
    )
  }

  /** Starts an operation as soon as a connection is free; never once the invocation is gone. */
  connect(start: () => void): void {
    if (!this.isAlive) return
    if (this.#connections >= MAX_CONNECTIONS) {
      this.#queued.push({ start, since: this.#loop.now })
      return
    }
    this.#connections++
    start()
  }

  /** Gives a connection back. */
  disconnect(): void {
    this.#connections--
    const next = this.#queued.shift()
    if (next === undefined) return
    const { now } = this.#loop
    // What was sent so late has little of its deadline left.
    if (now - next.since >= STARVED_MS) this.#starvedUntil = now + DEADLINE_MS - STARVED_MS
    this.#connections++
    next.start()
  }

  #endIfDone(): void {
    if (this.#hasAnswered && this.#waits === 0) this.end()
  }
}
