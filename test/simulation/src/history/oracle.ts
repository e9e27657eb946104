import type { Bookmark, Source } from '@freshet/cache-core'
import { buildKey, parseBookmark } from '@freshet/cache-core'
import * as v from 'valibot'
import type { KeySpec, TrackedKey } from '../model/model.ts'
import { BoundStatement, type Committed, type SimD1 } from '../world/d1.ts'
import type { EventLoop } from '../world/event-loop.ts'
import type { Invocation } from '../world/invocation.ts'
import { History } from './history.ts'

const LogRow = v.object({
  seq: v.number(),
  event_id: v.string(),
  type: v.string(),
  payload: v.string(),
  patterns: v.pipe(v.string(), v.parseJson(), v.array(v.string())),
})

/** An event that was in the log at some time, whatever became of its row. */
export interface Logged {
  seq: number
  type: string
  payload: unknown
  patterns: readonly string[]
}

/** Knows the truth: after each commit it reads every key straight from the database, and keeps all that ever was. */
export class Oracle {
  readonly keys: TrackedKey[] = []
  readonly byPath = new Map<string, TrackedKey>()
  /** All events that were committed to the log, by id. */
  readonly logged = new Map<string, Logged>()
  epoch = ''
  /** Reads that began before this time are promised nothing: a restored database was not yet found out. */
  epochMovedAt = 0
  /** How often the database was restored. */
  restores = 0
  /** Epochs that ended though nothing had been restored: all that was cached, given up for nothing. */
  needlessMoves = 0
  #seqs: number[] = [0]
  #txns: number[] = [-1]
  readonly #d1: SimD1
  readonly #loop: EventLoop

  constructor(d1: SimD1, loop: EventLoop, specs: readonly KeySpec[]) {
    this.#d1 = d1
    this.#loop = loop
    for (const spec of specs) this.track(spec)
    this.#readEpoch()
    this.epochMovedAt = 0
  }

  track(spec: KeySpec): TrackedKey {
    const { namespace, entity, id } = spec.source
    const { path } = buildKey({ namespace, entity, id, version: '' })
    const history = new History(path, this.#textOf(spec.source), this.#loop.now)
    const key = { ...spec, path, history }
    this.keys.push(key)
    this.byPath.set(path, key)
    return key
  }

  /** To be called for each commit, before any other one. */
  committed({ txn, invocation, changedData, logged, movedEpoch }: Committed): void {
    if (changedData) this.#readAll(txn)
    if (logged) this.#readLog(txn, invocation.setting)
    if (movedEpoch) this.#readEpoch()
  }

  /** The database is another one: nothing is promised before its epoch has moved. */
  restored(txn: number): void {
    this.restores++
    this.#readAll(txn)
    this.#seqs = [0]
    this.#txns = [-1]
    this.epochMovedAt = Number.POSITIVE_INFINITY
    for (const row of this.#rows(0)) this.#note(row, -1)
    for (const key of this.keys) {
      key.history.announce(this.#loop.now, txn)
      if (key.style === 'blob') key.history.commit(`gone ${txn}`, this.#loop.now, txn)
    }
  }

  /** The epoch was moved past all that can be seen from here. */
  moved(): void {
    this.#readEpoch()
  }

  /** The newest position that the log has reached. */
  get head(): number {
    return this.#seqs.at(-1) ?? 0
  }

  /** The transaction that brought the log to a position. */
  txnOf(seq: number): number {
    let low = 0
    let high = this.#seqs.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#seqs[middle] ?? 0) <= seq) low = middle
      else high = middle - 1
    }
    return this.#txns[low] ?? -1
  }

  /** A bookmark of this epoch, or null: of another one it says nothing but "check with D1". */
  bookmarkOf(text: string): Bookmark | null {
    const bookmark = parseBookmark(text)
    return bookmark !== null && bookmark.epoch === this.epoch ? bookmark : null
  }

  #readAll(txn: number): void {
    for (const key of this.keys) {
      if (key.style === 'blob') continue
      const text = this.#textOf(key.source)
      if (key.announced === 'by commit') key.history.commit(text, this.#loop.now, txn)
      else key.history.commitQuietly(text, this.#loop.now, txn)
    }
  }

  #readLog(txn: number, setting: Invocation['setting']): void {
    for (const row of this.#rows(this.head)) {
      this.#note(row, txn)
      for (const key of this.keys) {
        if (key.style !== 'blob' && key.announced === 'by commit') continue
        if (!row.patterns.some((pattern) => isMatch(pattern, key.path))) continue
        if (key.style !== 'blob') key.history.announce(this.#loop.now, txn)
        else if (setting?.path === key.path && row.type === 'cache.set') {
          key.history.commit(setting.text, this.#loop.now, txn)
          setting.txn = txn
        } else key.history.commit(`gone ${txn}`, this.#loop.now, txn)
      }
    }
  }

  #note(row: v.InferOutput<typeof LogRow>, txn: number): void {
    const { seq, type, patterns } = row
    this.logged.set(row.event_id, { seq, type, payload: JSON.parse(row.payload), patterns })
    this.#seqs.push(seq)
    this.#txns.push(txn)
  }

  #rows(after: number): v.InferOutput<typeof LogRow>[] {
    const sql =
      'SELECT seq, event_id, type, payload, patterns FROM invalidation_log WHERE seq > ? ORDER BY seq'
    return v.parse(v.array(LogRow), this.#d1.look(sql, after))
  }

  #readEpoch(): void {
    const epoch = String(this.#d1.look('SELECT epoch FROM invalidation_state')[0]?.epoch)
    if (epoch === this.epoch) return
    if (this.epoch !== '' && this.epochMovedAt < Number.POSITIVE_INFINITY) this.needlessMoves++
    this.epoch = epoch
    this.epochMovedAt = this.#loop.now
  }

  #textOf(source: Source<unknown>): string {
    const { statements, decode } = source.load(this.#d1.database)
    const results = statements.map((statement) => {
      if (!(statement instanceof BoundStatement)) throw new TypeError('a statement of another database')
      return { results: this.#d1.look(statement.sql, ...statement.values), meta: {} }
    })
    return JSON.stringify(decode(results))
  }
}

/** The oracle's own matching, told once more from the definition: a star is one segment, a final one the rest. */
function isMatch(pattern: string, name: string): boolean {
  const wanted = pattern.split(':')
  const open = wanted.at(-1) === '*'
  if (open) wanted.pop()
  const segments = name.split(':')
  if (open ? segments.length < wanted.length : segments.length !== wanted.length) return false
  return wanted.every((segment, i) => segment === '*' || segment === segments[i])
}
