import type { Isolate, Runtime } from '@freshet/cache-core'
import type { EventLoop } from './event-loop.ts'
import { currentInvocation, type Invocation } from './invocation.ts'
import type { Random } from './random.ts'

interface Timer {
  isCleared: boolean
}

/** One isolate of the platform: where Freshet's `Isolate` lives, with a clock, timers and ids of its own. */
export class Host {
  readonly id: number
  readonly location: number
  readonly invocations = new Set<Invocation>()
  isAlive = true
  /** Requests so far. */
  requests = 0
  /** Nothing is delivered here before that. */
  frozenUntil = 0
  /** Its thread has other work before that. */
  busyUntil = 0
  /** True time of the last delivery: between two of them its clock stands still, however long its code runs. */
  clock: number
  /** When D1, and when anything at all, last failed one of its operations: what explains a failure. */
  d1FaultAt = Number.NEGATIVE_INFINITY
  faultAt = Number.NEGATIVE_INFINITY
  /** Freshet's own; a known design has none. */
  isolate: Isolate | null = null
  /** By key, the newest D1 transaction that changed it and was acknowledged to a request here. */
  readonly ownWrites = new Map<string, number>()
  /** Transactions that this isolate sent, as [order in which it was sent, index when it ran]. */
  readonly sent: { sentAt: number; txn: number }[] = []
  readonly runtime: Runtime

  constructor(of: { id: number; location: number; skewMs: number; loop: EventLoop; random: Random }) {
    this.id = of.id
    this.location = of.location
    const { loop, random, skewMs } = of
    this.clock = loop.now
    let uuids = 0
    this.runtime = {
      now: () => this.clock + skewMs,
      random: () => random.next(),
      // Unique in its first digits already: an epoch is made of those.
      uuid: () => `${hex(of.id * 0x1_0000 + ++uuids, 8)}-0000-4000-8000-000000000000`,
      setTimeout: (callback, ms) => {
        const timer: Timer = { isCleared: false }
        const invocation = currentInvocation()
        loop.after(Math.max(0, Math.ceil(ms)), () => {
          if (!timer.isCleared) invocation.deliver(() => !timer.isCleared && callback())
        })
        return timer
      },
      clearTimeout: (handle) => {
        if (isTimer(handle)) handle.isCleared = true
      },
    }
  }

  /** Nothing is delivered until then. */
  freeze(until: number): void {
    this.frozenUntil = until
    for (const invocation of this.invocations) invocation.wasFrozen = true
  }

  /** An operation of an invocation here met a fault of the world's. */
  met(fault: 'd1' | 'kv' | 'queue', now: number): void {
    this.faultAt = now
    if (fault === 'd1') this.d1FaultAt = now
  }

  /** The isolate is gone with everything in it; its requests are never answered. */
  kill(): void {
    this.isAlive = false
    for (const invocation of [...this.invocations]) invocation.end()
  }
}

/** Waits, in the invocation that runs. */
export function sleep({ setTimeout }: Runtime, ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function isTimer(handle: unknown): handle is Timer {
  return typeof handle === 'object' && handle !== null && 'isCleared' in handle
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}
