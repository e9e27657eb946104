/** Failures in a row that open it: one may be chance, three are a state. */
const FAILURES_TO_OPEN = 3
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 15_000
/** A probe that has not been heard of after this died with its request: longer than any tier's deadline for a read. */
const PROBE_LOST_MS = 4_000

/**
 * A circuit breaker: while it is open nobody waits for a tier that fails. After a pause one caller may probe; its success
 * closes the breaker, its failure doubles the pause. When a probe is never heard of again, another caller may.
 */
export class Breaker {
  #failures = 0
  #pauseMs = FIRST_PAUSE_MS
  #probeAt = 0
  #isProbing = false

  get isOpen(): boolean {
    return this.#failures >= FAILURES_TO_OPEN
  }

  /**
   * Whether nobody came to probe for so long that its being open says nothing any more: the isolate was idle, or frozen. Then
   * whoever comes asks for themselves, and the first failure opens it again.
   */
  hasLapsed(now: number): boolean {
    return this.isOpen && now >= this.#probeAt + LONGEST_PAUSE_MS
  }

  /** Whether the caller is the one to probe now. Claims the probe. */
  claimProbe(now: number): boolean {
    if (!this.isOpen || now < this.#probeAt) return false
    this.#probeAt = now + Math.min(this.#pauseMs, PROBE_LOST_MS)
    this.#isProbing = true
    return true
  }

  succeeded(): void {
    this.#failures = 0
    this.#pauseMs = FIRST_PAUSE_MS
    this.#isProbing = false
  }

  failed(now: number): void {
    const wasOpen = this.isOpen
    this.#failures++
    if (!this.isOpen) return
    if (wasOpen) {
      // Asked before it opened: that tells nothing new.
      if (!this.#isProbing && !this.hasLapsed(now)) return
      this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS)
    }
    this.#isProbing = false
    this.#probeAt = now + this.#pauseMs
  }
}
