import { PatternIndex } from '../src/fence/pattern-index.ts'
import type { Snapshot } from '../src/fence/snapshot.ts'
import type { Tail, TailRow } from '../src/log/tail.ts'

/** A row, with the moment of its commit in the order of everything that happens in a test. */
export interface NaiveRow extends TailRow {
  order: number
  time: number
}

/** What a snapshot holds before it folds, and places that it folds into. */
const SNAPSHOT_PATTERNS = 5
const SNAPSHOT_PLACES = 16

interface Backup {
  epoch: string
  rows: NaiveRow[]
  prunedTo: number
  lastSeq: number
}

/**
 * The invalidation log as plain arrays: what D1 would hold and answer, without SQL. Pages are short, so that tails are
 * long; whoever restores it makes its epoch a dirty one, in which nothing is promised until somebody moves it.
 */
export class NaiveLog {
  epoch = 'e1'
  rows: NaiveRow[] = []
  prunedTo = 0
  isDirty = false
  /** When the present epoch began. */
  since = 0
  /** Every row of this epoch's line of history, pruned or not. */
  history: NaiveRow[] = []
  #lastSeq = 0
  #events = 0
  #epochs = 1
  readonly #page: number

  constructor(page: number) {
    this.#page = page
  }

  get maxSeq(): number {
    return this.rows.at(-1)?.seq ?? 0
  }

  /** @param gap numbers that an `ON CONFLICT DO NOTHING` used up before */
  commit(patterns: readonly string[], order: number, time: number, gap = 0): NaiveRow {
    this.#lastSeq += 1 + gap
    const row = { seq: this.#lastSeq, eventId: `event-${++this.#events}`, patterns, order, time }
    this.rows.push(row)
    this.history.push(row)
    return row
  }

  tail(head: number): Tail {
    const rows = this.rows.filter(({ seq }) => seq > head).slice(0, this.#page)
    return {
      epoch: this.epoch,
      prunedTo: this.prunedTo,
      maxSeq: this.maxSeq,
      maxEventId: this.rows.at(-1)?.eventId ?? null,
      eventIdAtHead: this.rows.find(({ seq }) => seq === head)?.eventId ?? null,
      rows,
      truncated: rows.length >= this.#page,
    }
  }

  snapshot(): Snapshot | null {
    const last = this.rows.at(-1)
    if (last === undefined) return null
    const index = new PatternIndex(SNAPSHOT_PLACES)
    for (const { patterns, seq } of this.rows) for (const pattern of patterns) index.add(pattern, seq)
    let floor = this.prunedTo
    while (index.size > SNAPSHOT_PATTERNS) floor = Math.max(floor, index.fold(SNAPSHOT_PATTERNS))
    return {
      schema: 1,
      epoch: this.epoch,
      head: last.seq,
      headEventId: last.eventId,
      floor,
      patterns: [...index.entries()],
      folded: index.pack(last.seq, floor),
    }
  }

  /** Removes the first so many rows; the last one stays. */
  prune(count: number): void {
    const gone = this.rows.slice(0, Math.min(count, this.rows.length - 1))
    this.prunedTo = Math.max(this.prunedTo, gone.at(-1)?.seq ?? 0)
    this.rows = this.rows.slice(gone.length)
  }

  backup(): Backup {
    return { epoch: this.epoch, rows: [...this.rows], prunedTo: this.prunedTo, lastSeq: this.#lastSeq }
  }

  restore(backup: Backup): void {
    this.epoch = backup.epoch
    this.rows = [...backup.rows]
    this.prunedTo = backup.prunedTo
    this.#lastSeq = backup.lastSeq
    this.isDirty = true
  }

  /** Compare-and-set, as `moveEpoch` does it. */
  moveEpoch(from: string, order: number): void {
    if (this.epoch !== from) return
    this.since = order
    this.epoch = `e${++this.#epochs}`
    this.isDirty = false
    this.history = [...this.rows]
  }
}
