import { START } from '../world/event-loop.ts'
import type { Invocation } from '../world/invocation.ts'
import type { World } from '../world/world.ts'
import type { Begun } from './read-checker.ts'

/**
 * A fault of D1 may fail requests for this long after it: deadlines of 10 s, and pauses of the breaker of up to 15 s with a
 * probe at the end.
 */
const AFTERMATH_MS = 30_000
/** Of any fault, for a message that goes back to its queue. */
const RETRY_AFTERMATH_MS = 60_000
/** A read that has not settled after this never will. */
const UNSETTLED_MS = 30_000

/** What a broken platform says, and the cache of it. */
const TROUBLE =
  /D1_ERROR|DatabaseUnavailableError|DeadlineError|KV failed|KV PUT failed|Queue sendBatch failed/
/** What a write may be refused with while all is well: another one was first. */
const REFUSAL = /constraint failed|ConstraintError/

/** P9's other half: trouble with the cache fails no request that D1 could answer, and leaves none without an answer. */
export class Failures {
  readonly #world: World
  readonly #open = new Set<Begun>()

  constructor(world: World) {
    this.#world = world
  }

  begun(read: Begun): void {
    this.#open.add(read)
  }

  settled(read: Begun): void {
    this.#open.delete(read)
  }

  /** A read or write threw. */
  failed(what: string, error: unknown, isWrite: boolean, invocation: Invocation): void {
    if (this.#world.options.isDesign) return
    this.#world.verdicts.checked.P9++
    if (isWrite && REFUSAL.test(String(error))) return
    if (this.unexpected(what, error) || this.#isExplained(invocation)) return
    this.#violate(`${what} failed though D1 could answer it: ${String(error)}`)
  }

  /** @returns whether an error is none that a broken platform brings: a fault of the code, whatever else goes on */
  unexpected(what: string, error: unknown): boolean {
    if (TROUBLE.test(String(error))) return false
    this.#violate(`${what} threw ${error instanceof Error ? (error.stack ?? String(error)) : String(error)}`)
    return true
  }

  /** A promise was rejected, and nobody had anything to say to that. */
  unhandled(reason: unknown): void {
    this.#world.verdicts.checked.P9++
    this.#violate(
      `a rejection was not handled: ${reason instanceof Error ? (reason.stack ?? '') : String(reason)}`,
    )
  }

  /** A consumer gave a message back. */
  returned(what: string, invocation: Invocation): void {
    const { loop, verdicts } = this.#world
    verdicts.checked.P4++
    const { host, wasFrozen, isAlive } = invocation
    if (wasFrozen || !isAlive || !host.isAlive || host.faultAt >= loop.now - RETRY_AFTERMATH_MS) return
    verdicts.violate('P4', loop.now - START, `${what} went back to its queue though nothing was wrong`)
  }

  /** Reads that should have settled long ago. @param isOver whether all that could still happen has happened */
  audit(isOver = false): void {
    const { loop } = this.#world
    for (const read of this.#open) {
      if (!isOver && read.sinceReal > loop.now - UNSETTLED_MS) break
      this.#open.delete(read)
      const { isAlive, wasFrozen, isStuck, hung } = read.invocation
      // What a caller's own load asks for itself has no deadline but its own.
      const isLeftAlone = isStuck || (hung > 0 && read.key.style === 'function')
      if (isAlive && !wasFrozen && !isLeftAlone)
        this.#violate(`a read of ${read.key.path} in isolate ${read.host.id} never settled`)
    }
  }

  #isExplained({ host, wasFrozen, isStuck }: Invocation): boolean {
    return wasFrozen || isStuck || host.d1FaultAt >= this.#world.loop.now - AFTERMATH_MS
  }

  #violate(what: string): void {
    this.#world.verdicts.violate('P9', this.#world.loop.now - START, what)
  }
}
