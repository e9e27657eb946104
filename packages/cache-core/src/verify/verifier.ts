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

/** More hits than any key has; V8 keeps it unboxed. */
const NEVER = 2 ** 30 - 1

/** Hits of one key, and how many there are to be before the next one is of the sample: 0 until that is drawn. */
interface Counted {
  hits: number
  dueAt: number
}

/** Takes samples of an isolate's hits, and compares them with D1 behind the answers. */
export class Verifier {
  readonly #isolate: Isolate
  /** For the hits on what memory does not keep. */
  readonly #elsewhere: Counted = { hits: 0, dueAt: 0 }
  #checkedAt = Number.NEGATIVE_INFINITY
  #keptAt = Number.NEGATIVE_INFINITY

  constructor(isolate: Isolate) {
    this.#isolate = isolate
  }

  /**
   * Whether the next hit of a key is of the sample. The hits of each key are counted anyway, so most ask for no write of their
   * own: the gaps between samples are drawn by key, which leaves each hit the same chance.
   */
  isDue(counted: Counted): boolean {
    if (counted.dueAt === 0) this.#draw(counted, counted.hits)
    return counted.hits >= counted.dueAt
  }

  /**
   * Whether the hit that was just counted is of the sample; if it is, the next one is drawn.
   * @param counted the key's place in memory; null where memory does not have it
   */
  takeDue(counted: Counted | null): boolean {
    if (!this.#isOn) return false
    if (counted === null) {
      counted = this.#elsewhere
      counted.hits++
    }
    const before = counted.hits - 1
    if (counted.dueAt === 0) this.#draw(counted, before)
    if (before < counted.dueAt) return false
    this.#draw(counted, counted.hits)
    return true
  }

  get #isOn(): boolean {
    const { settings, isWarmer } = this.#isolate
    return settings.verifySample > 0 && !isWarmer
  }

  #draw(counted: Counted, hits: number): void {
    const { settings, runtime } = this.#isolate
    const gap = this.#isOn ? hitsToNext(settings.verifySample, runtime.random()) : NEVER
    counted.dueAt = Math.min(NEVER, hits + gap - 1)
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
