import type { Isolate, RequestIo } from '../isolate.ts'
import type { Source } from '../source.ts'
import { type Served, verify } from './verify.ts'
import { keepViolation, type Violation } from './violation.ts'

/** Between two checks of an isolate: two a second, however many hits the sample takes. */
const LEAST_PAUSE_MS = 500
/** With more loads than this under way readers wait for D1 as it is. */
const MOST_FLIGHTS = 2
/** Between two violations that are written to D1; all of them are counted and logged. */
const KEEP_PAUSE_MS = 5_000

/** Takes samples of an isolate's hits, and compares them with D1 behind the answers. */
export class Verifier {
  readonly #isolate: Isolate
  /** Hits until the next sample; 0 before the first. */
  #left = 0
  #checkedAt = Number.NEGATIVE_INFINITY
  #keptAt = Number.NEGATIVE_INFINITY

  constructor(isolate: Isolate) {
    this.#isolate = isolate
  }

  /** To be asked at each hit: whether this one is of the sample. A counter is all that most hits cost. */
  isDue(): boolean {
    if (--this.#left > 0) return false
    const { settings, runtime, isWarmer } = this.#isolate
    const { verifySample } = settings
    if (verifySample <= 0 || isWarmer) {
      this.#left = Number.POSITIVE_INFINITY
      return false
    }
    const wasFirst = this.#left < 0
    this.#left = hitsToNext(verifySample, runtime.random())
    // The first hit of an isolate is no sample, only the beginning of the count.
    return !wasFirst || verifySample >= 1
  }

  /** To be asked at a hit that cannot be checked: whether it is none of the sample. If it is, the hit is to be made again. */
  passes(): boolean {
    if (this.#left === Number.POSITIVE_INFINITY) return true
    if (this.#left <= 1) return false
    this.#left--
    return true
  }

  /** Starts a check behind the answer, unless there was one a moment ago, or D1 has enough to do. */
  start(served: Served, source: Source<unknown>, io: RequestIo): void {
    const { runtime, sql, flights } = this.#isolate
    const now = runtime.now()
    if (now < this.#checkedAt + LEAST_PAUSE_MS || sql.breaker.isOpen || flights.size > MOST_FLIGHTS) return
    this.#checkedAt = now
    io.waitUntil(this.#check(served, source, io).catch(() => {}))
  }

  async #check(served: Served, source: Source<unknown>, io: RequestIo): Promise<void> {
    const verdict = await verify(this.#isolate, io, source, served, 'hit')
    if (verdict === 'unknown') return
    const { verification } = this.#isolate.stats
    verification.checks++
    if (verdict === 'younger') verification.younger++
    if (typeof verdict === 'string') return
    verification.violations++
    await this.#found(verdict, io)
  }

  async #found(violation: Violation, { db }: RequestIo): Promise<void> {
    const { runtime, noteViolation } = this.#isolate
    noteViolation(violation)
    const now = runtime.now()
    // A fault that shows in each hit must not have all isolates write.
    if (now < this.#keptAt + KEEP_PAUSE_MS) return
    this.#keptAt = now
    await db.batch(keepViolation(db, violation, now))
  }
}

/** Hits up to and with the next sample: geometric, so that each hit has the same chance. */
function hitsToNext(share: number, random: number): number {
  if (share >= 1) return 1
  return Math.floor(Math.log(1 - random) / Math.log(1 - share)) + 1
}
