import { DeadlineError, withDeadline } from '../deadline.ts'
import type { Isolate, RequestIo } from '../isolate.ts'
import { decodeTail, type Tail, tailStatement } from '../log/tail.ts'
import { count } from '../statistics/histogram.ts'
import { moveEpoch } from './epoch.ts'
import type { Applied, Asked, Freshness } from './fence.ts'
import { readSnapshot } from './snapshot.ts'

/** Whoever waits for a refresh of another request sends its own after this. */
const JOIN_DEADLINE_MS = 1_000
/** A snapshot slower than this is not worth waiting for: the tail alone is a start, too. */
const SNAPSHOT_DEADLINE_MS = 500
/** Pages read before the rest of a long tail is given up for a higher floor. */
const MAX_PAGES = 5
/** Queries of one refresh, whatever happens: epochs that move, answers that are void. */
const MAX_QUERIES = 10

interface InFlight {
  asked: Asked
  done: Promise<void>
}

/** Brings the fence up to date from D1: one query for many readers, each with a timer of its own. */
export class FenceRefresher {
  readonly #isolate: Isolate
  #inFlight: InFlight | null = null
  #hasReadSnapshot = false

  constructor(isolate: Isolate) {
    this.#isolate = isolate
  }

  /**
   * Makes the fence fresh for a read, joining a refresh under way where that was sent late enough for it.
   * @throws DatabaseUnavailableError when D1 does not answer; the fence is then as it was
   */
  async refresh(need: Freshness, io: RequestIo): Promise<void> {
    const { fence, runtime } = this.#isolate
    let waited: InFlight | null = null
    for (;;) {
      const other = this.#inFlight
      if (other === null || other === waited || !sentLateEnough(other.asked, need)) break
      waited = other
      try {
        await withDeadline(runtime, other.done, JOIN_DEADLINE_MS, 'a fence refresh of another request')
      } catch (error) {
        // Overdue: it may have died with its request. Failed: D1 would hardly answer each of its followers better.
        if (!(error instanceof DeadlineError)) throw error
      }
      if (fence.isFresh(need) && fence.reaches(need, 0)) return
    }
    await this.run(io)
  }

  /** Sends the tail query, page after page, until the fence has reached the log's head. @param probe see `Sql.read` */
  async run(io: RequestIo, probe = false): Promise<void> {
    const flight: InFlight = { asked: this.ask(), done: this.#startAndRead(io, probe) }
    this.#inFlight = flight
    io.waitUntil(flight.done.catch(() => {}))
    try {
      await flight.done
    } finally {
      if (this.#inFlight === flight) this.#inFlight = null
    }
  }

  /** What to hold an answer against; to be taken right before a query with the tail is sent. */
  ask(): Asked {
    const { fence, runtime } = this.#isolate
    return fence.ask(runtime.now(), this.#isolate.nextOrdinal())
  }

  /** Hands the fence a tail that came with another query, and does what follows from it. */
  apply(tail: Tail, asked: Asked, io: RequestIo): Applied {
    const applied = this.#isolate.fence.apply(tail, asked)
    if (applied === 'adopted') this.#isolate.memory.clear()
    if (applied === 'restored') io.waitUntil(this.run(io).catch(() => {}))
    return applied
  }

  async #startAndRead(io: RequestIo, probe: boolean): Promise<void> {
    const { asOf } = this.#isolate.fence
    if (!this.#hasReadSnapshot && asOf === Number.NEGATIVE_INFINITY) await this.#start(io)
    await this.#readPages(io, probe)
  }

  async #readPages(io: RequestIo, probe: boolean): Promise<void> {
    const { fence, sql, stats, runtime } = this.#isolate
    for (let query = 1, pages = 0; query <= MAX_QUERIES; query++) {
      const asked = this.ask()
      stats.d1.refreshes++
      const [result] = await sql.read(io.db, [tailStatement(io.db, asked.head)], probe)
      count(stats.refreshTimes, runtime.now() - asked.sentAt)
      const tail = decodeTail(result)
      const applied = fence.apply(tail, asked)
      if (applied === 'adopted') this.#isolate.memory.clear()
      if (applied === 'current' || applied === 'adopted') return
      if (applied === 'restored') await moveEpoch(io.db, sql, tail.epoch)
      if (applied === 'more' && ++pages >= MAX_PAGES) return fence.skipTo(tail, asked)
    }
  }

  /** A cold start: the snapshot saves reading a long log, even one of which a first write has brought a page along. */
  async #start(io: RequestIo): Promise<void> {
    if (io.kv === null || !this.#isolate.settings.kvEnabled) return
    const { fence, runtime, stats } = this.#isolate
    const reading = readSnapshot(io.kv).then((snapshot) => {
      this.#hasReadSnapshot = true
      // A union, so that it does no harm when another start was first, or when it comes late.
      if (snapshot !== null) fence.merge(snapshot)
    })
    stats.kv.reads++
    try {
      await withDeadline(runtime, reading, SNAPSHOT_DEADLINE_MS, 'the fence snapshot')
    } catch {
      stats.kv.errors++
    }
  }
}

/** A strong reader joins no query sent before it began; a bounded one takes any that its Δ allows. */
function sentLateEnough(asked: Asked, need: Freshness): boolean {
  if (asked.ordinal > need.ordinal) return true
  return need.maxStalenessMs > 0 && asked.sentAt >= need.startedAt - need.maxStalenessMs
}
