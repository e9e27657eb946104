import { formatBookmark } from '../bookmark.ts'
import type { Isolate, RequestIo } from '../isolate.ts'
import { parsePattern } from '../keys/pattern.ts'
import { append, appendIfChanged, decodeSeq, settleFollowing } from '../log/append.ts'
import { decodeTail, tailStatement } from '../log/tail.ts'
import { eventBatches } from '../pipeline/message.ts'
import type { Statement, StatementResult } from '../ports.ts'
import type { Change, ChangeResult, LogEvent, WriteResult } from './types.ts'

/** A change whose event has its id, and the places of its statements in the batch. */
interface Planned {
  event: LogEvent
  at: number
}

/** What a write came to, with what else its transaction read. */
export interface Committed {
  write: WriteResult
  /** Results of the statements that were read along. */
  read: StatementResult[]
  /** The transaction's place in the log, and the clock before it was sent. */
  at: { epoch: string; stamp: number; upTo: number; loadedAt: number }
}

/**
 * The write path, DESIGN's flow *Write*: data, log row and the fence's own tail in one transaction, so that the isolate
 * that wrote stands at its own write when the answer leaves. The queue is told afterwards, and may lose the message.
 */
export class Writer {
  readonly #isolate: Isolate
  readonly #io: RequestIo

  constructor(isolate: Isolate, io: RequestIo) {
    this.#isolate = isolate
    this.#io = io
  }

  /**
   * Commits changes, all or none; a change whose guard holds it back changes nothing and logs nothing.
   * @param reads statements that read the state after the changes, in the same transaction
   * @throws PatternError before anything is sent; whatever D1 throws. Unless a constraint was broken, the write may have happened: what it touches is then checked
   * with D1 before it is served again.
   */
  async write(changes: readonly Change[], reads: Statement[] = []): Promise<Committed> {
    const { db } = this.#io
    const now = this.#isolate.runtime.now()
    const statements: Statement[] = []
    const planned: Planned[] = []
    for (const { statement, table, after = [], event: partial } of changes) {
      // One that no fence can match would be committed, and invalidate nothing.
      for (const pattern of partial.patterns) parsePattern(pattern)
      const event = { ...partial, id: partial.id ?? this.#isolate.runtime.uuid() }
      planned.push({ event, at: statements.length })
      statements.push(statement, appendIfChanged(db, event, now, table), ...after)
      if (table !== undefined && after.length > 0) statements.push(settleFollowing(db, event, now))
    }
    return this.#commit(statements, reads, planned, (results, at) => ({
      result: resultAt(results, at),
      seq: decodeSeq(results[at + 1]),
    }))
  }

  /**
   * Invalidates without changing data: one event, however many entries its patterns match.
   * @param type `cache.invalidate`, `cache.delete` …: who asked for it
   * @param hard whether the consumer also takes out of KV what the patterns match
   */
  async purge(type: string, patterns: readonly string[], hard = false): Promise<WriteResult> {
    const payload = hard ? { patterns, hard } : { patterns }
    return (await this.#append([{ id: this.#isolate.runtime.uuid(), type, payload, patterns }], [])).write
  }

  /**
   * Logs events of outside producers, all in one transaction. One whose id is there already changes nothing.
   * @param also statements of the same transaction
   * @throws PatternError before anything is sent; whatever D1 throws, and then a repeated call does no harm
   */
  async log(
    events: readonly LogEvent[],
    also: Statement[] = [],
  ): Promise<{ changes: ChangeResult[]; bookmark: string }> {
    for (const pattern of events.flatMap(({ patterns }) => patterns)) parsePattern(pattern)
    const { write, at } = await this.#append(events, also)
    // Of the log as it was then, and so also of the events that somebody had logged before.
    return { changes: write.changes, bookmark: formatBookmark(at.epoch, at.upTo) }
  }

  #append(events: readonly LogEvent[], also: Statement[]): Promise<Committed> {
    const now = this.#isolate.runtime.now()
    const appends = events.map((event) => append(this.#io.db, event, now))
    const planned = events.map((event, at) => ({ event, at }))
    return this.#commit([...appends, ...also], [], planned, (results, at) => ({
      result: resultAt(results, at),
      seq: decodeSeq(results[at]),
    }))
  }

  async #commit(
    statements: Statement[],
    reads: Statement[],
    planned: Planned[],
    decode: (results: StatementResult[], at: number) => { result: StatementResult; seq: number | null },
  ): Promise<Committed> {
    const { fence, refresher, sql } = this.#isolate
    const { db } = this.#io
    const asked = refresher.ask()
    const patterns = planned.flatMap(({ event }) => event.patterns)
    let results: StatementResult[]
    try {
      results = await sql.write(db, [...statements, ...reads, tailStatement(db, asked.head)])
    } catch (error) {
      fence.noteWrite()
      if (!isRolledBack(error)) fence.markUnknown(patterns, this.#isolate.nextOrdinal())
      throw error
    }
    const tail = decodeTail(results.at(-1))
    const applied = refresher.apply(tail, asked, this.#io)
    fence.noteWrite()
    const changes = planned.map(({ event, at }): ChangeResult => {
      const { result, seq } = decode(results, at)
      // A tail that did not reach this row leaves the head where it is; the patterns hold all the same. One that the
      // fence could not take in says nothing of this row's place: then D1 is asked first.
      if (seq !== null && applied === 'more') fence.markAt(event.patterns, seq)
      if (seq !== null && (applied === 'ignored' || applied === 'restored')) {
        fence.markUnknown(event.patterns, this.#isolate.nextOrdinal())
      }
      return { changed: seq !== null, eventId: event.id, seq, result }
    })
    this.#tell(planned, changes)
    this.#publish(planned, changes)
    const last = Math.max(0, ...changes.map(({ seq }) => seq ?? 0))
    return {
      write: { changes, bookmark: last > 0 ? formatBookmark(tail.epoch, last) : null },
      read: results.slice(statements.length, statements.length + reads.length),
      at: { epoch: tail.epoch, stamp: tail.maxSeq, upTo: tail.maxSeq, loadedAt: asked.sentAt },
    }
  }

  #tell(planned: Planned[], changes: ChangeResult[]): void {
    const logged = planned.flatMap(({ event: { id, type } }, i) =>
      changes[i]?.changed ? [{ event: id, type, seq: changes[i].seq }] : [],
    )
    if (logged.length > 0) this.#io.committed?.(logged)
  }

  /** Tells the consumer. A message that is lost is sent again by the relay, from the log. */
  #publish(planned: Planned[], changes: ChangeResult[]): void {
    const { events, waitUntil, requestId } = this.#io
    if (events === null) return
    const logged = planned.filter((_, i) => changes[i]?.changed)
    for (const batch of eventBatches(
      logged.map(({ event }) => event),
      requestId,
    )) {
      waitUntil(events.sendBatch(batch).catch(() => {}))
    }
  }
}

/** Whether D1 said that nothing was written. Any other failure may have come after the commit. */
function isRolledBack(error: unknown): boolean {
  return String(error).includes('constraint failed')
}

function resultAt(results: StatementResult[], at: number): StatementResult {
  const result = results[at]
  if (result === undefined) throw new Error('D1 answered fewer results than it was sent statements')
  return result
}
