import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { naiveMatch } from '../../test/arbitraries.ts'
import { NaiveLog, type NaiveRow } from '../../test/naive-log.ts'
import type { Tail } from '../log/tail.ts'
import { type Applied, type Asked, Fence, type Judged } from './fence.ts'
import type { Snapshot } from './snapshot.ts'

const PAGE = 3
const CAP = 6
/** So few places that names share them. */
const LIMITS = { maxPatterns: CAP, foldedPlaces: 8 }

/** What can happen to a fence and its log, in any order. Numbers choose among what there is. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('commit' as const), patterns: patterns(), gap: fc.nat(2) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('ask' as const) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('reach D1' as const), at: fc.nat() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('answer' as const), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('refresh' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('write' as const), patterns: patterns() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), at: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('load' as const), of: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('take snapshot' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('merge snapshot' as const), at: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('prune' as const), count: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('new isolate' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('back up' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('run book' as const), at: fc.nat() }) },
)

function patterns() {
  const near = fc.constantFrom(
    'a:b',
    'a:b:c',
    'c',
    'b:a',
    'a:a',
    'c:c:c',
    'a:*',
    'c:*:c',
    'x:1',
    'x:2',
    'y:1',
    'z',
    '*',
  )
  return fc.array(near, { minLength: 1, maxLength: 2 })
}

const SUBJECTS: Pick<Judged, 'path' | 'tags'>[] = [
  { path: 'a:b', tags: [] },
  { path: 'a:b:c', tags: ['b:a'] },
  { path: 'c', tags: ['a:a', 'c:c:c'] },
]

/** A query with the tail on its way: asked, perhaps answered by D1, not yet heard of. */
interface Query {
  asked: Asked
  tail: Tail | null
  /** Whether the log that answered had been restored, and nobody had moved its epoch yet. */
  wasDirty: boolean
  /** Patterns of the own write that it carries, and its row once committed. */
  own: { patterns: string[]; row: NaiveRow | null } | null
}

type Entry = Judged

class Model {
  readonly log = new NaiveLog(PAGE)
  fence = new Fence(LIMITS)
  time = 1000
  order = 0
  queries: Query[] = []
  entries: Entry[] = []
  /** Own writes that were answered, by this isolate. */
  acknowledged: NaiveRow[] = []
  /** Own writes whose answer was lost: nobody knows whether they are committed, or will be. */
  lost: { patterns: string[]; order: number }[] = []
  readonly snapshots: Snapshot[] = []
  readonly backups: ReturnType<NaiveLog['backup']>[] = []

  run(event: Step): void {
    switch (event.do) {
      case 'commit':
        this.log.commit(event.patterns, ++this.order, this.time, event.gap)
        break
      case 'ask':
        this.queries.push({ asked: this.ask(), tail: null, wasDirty: false, own: null })
        break
      case 'write':
        this.queries.push({
          asked: this.ask(),
          tail: null,
          wasDirty: false,
          own: { patterns: event.patterns, row: null },
        })
        break
      case 'reach D1':
        this.reach(
          pick(
            this.queries.filter(({ tail }) => tail === null),
            event.at,
          ),
        )
        break
      case 'answer':
        this.answer(
          pick(
            this.queries.filter(({ tail }) => tail !== null),
            event.at,
          ),
        )
        break
      case 'lose':
        this.lose(pick(this.queries, event.at))
        break
      case 'refresh':
        this.refresh()
        break
      case 'load':
        this.load(event.of)
        break
      case 'take snapshot': {
        const snapshot = this.log.snapshot()
        if (snapshot !== null) this.snapshots.push(snapshot)
        break
      }
      case 'merge snapshot': {
        const snapshot = pick(this.snapshots, event.at)
        if (snapshot !== undefined) this.fence.merge(snapshot)
        break
      }
      case 'prune':
        this.log.prune(event.count)
        break
      case 'new isolate':
        this.fence = new Fence(LIMITS)
        this.queries = []
        this.acknowledged = []
        this.lost = []
        break
      case 'wait':
        this.time += 10
        break
      case 'back up':
        this.backups.push(this.log.backup())
        break
      case 'restore': {
        const backup = pick(this.backups, event.at)
        if (backup !== undefined) this.log.restore(backup)
        break
      }
      case 'run book': {
        const backup = pick(this.backups, event.at)
        if (backup === undefined) break
        this.log.restore(backup)
        this.log.moveEpoch(this.log.epoch, ++this.order)
        break
      }
    }
  }

  ask(): Asked {
    return this.fence.ask(this.time, ++this.order)
  }

  reach(query: Query | undefined): void {
    if (query === undefined) return
    if (query.own !== null) query.own.row = this.log.commit(query.own.patterns, ++this.order, this.time)
    query.tail = this.log.tail(query.asked.head)
    query.wasDirty = this.log.isDirty
  }

  /** As `FenceRefresher` and `Writer` take an answer in. */
  answer(query: Query | undefined): void {
    if (query?.tail == null) return
    this.queries = this.queries.filter((other) => other !== query)
    const { tail, asked, own } = query
    const applied = this.apply(tail, asked, query.wasDirty)
    if (own?.row != null) {
      this.fence.noteWrite()
      if (applied === 'more') this.fence.markAt(own.patterns, own.row.seq)
      if (applied === 'ignored' || applied === 'restored') this.fence.markUnknown(own.patterns, ++this.order)
      if (this.log.history.includes(own.row)) this.acknowledged.push(own.row)
    }
    if (applied === 'restored') this.log.moveEpoch(tail.epoch, ++this.order)
  }

  apply(tail: Tail, asked: Asked, wasDirty: boolean): Applied {
    const { epoch, head } = this.fence
    const applied = this.fence.apply(tail, asked)
    if (this.fence.epoch === epoch) expect(this.fence.head).toBeGreaterThanOrEqual(head)
    if (applied === 'restored') expect(wasDirty, 'a log that was never restored is taken for one').toBe(true)
    return applied
  }

  /** The answer is never heard of; what was sent may yet reach D1, or has. */
  lose(query: Query | undefined): void {
    if (query === undefined) return
    this.queries = this.queries.filter((other) => other !== query)
    if (query.own === null) return
    this.fence.noteWrite()
    this.fence.markUnknown(query.own.patterns, ++this.order)
    this.lost.push({ patterns: query.own.patterns, order: this.order })
  }

  /** As `FenceRefresher` reads page after page, nobody coming between. */
  refresh(): void {
    for (let query = 1, pages = 0; query <= 10; query++) {
      const asked = this.ask()
      const tail = this.log.tail(asked.head)
      const applied = this.apply(tail, asked, this.log.isDirty)
      if (applied === 'current' || applied === 'adopted') return
      if (applied === 'restored') this.log.moveEpoch(tail.epoch, ++this.order)
      if (applied === 'more' && ++pages >= 2) {
        this.fence.skipTo(tail, asked)
        return
      }
    }
    throw new Error('ten queries did not refresh the fence')
  }

  /** A value comes from D1 with its stamp, now; whatever tier keeps it keeps it for good. */
  load(of: number): Entry {
    const subject = SUBJECTS[of % SUBJECTS.length] as Pick<Judged, 'path' | 'tags'>
    const entry = { ...subject, epoch: this.log.epoch, stamp: this.log.maxSeq }
    this.entries.push(entry)
    return entry
  }

  /** Nothing that the fence calls valid has been invalidated by anything that the fence has had to hear of. */
  check(): void {
    const { fence, log } = this
    for (const entry of this.entries) {
      const open = this.lost.find(
        ({ patterns, order }) =>
          !hasAskedSince(fence, order) && patterns.some((pattern) => touches(pattern, entry)),
      )
      if (open !== undefined) expect(fence.isValid(entry), 'valid in spite of a write in doubt').toBe(false)
    }
    if (log.isDirty) return
    if (hasAskedSince(fence, log.since)) expect(fence.epoch).toBe(log.epoch)
    if (fence.epoch !== log.epoch) return
    const heardOf = log.history.filter(
      (row) => row.time < fence.asOf || hasAskedSince(fence, row.order) || this.acknowledged.includes(row),
    )
    for (const entry of this.entries) {
      if (entry.epoch !== log.epoch || !fence.isValid(entry)) continue
      const newer = heardOf.find(
        (row) => row.seq > entry.stamp && row.patterns.some((pattern) => touches(pattern, entry)),
      )
      expect(newer, `${JSON.stringify(entry)} is called valid`).toBe(undefined)
    }
  }

  /** Once the fence has been refreshed, what is loaded can be kept: coarsening and marks never shut it out for good. */
  checkLiveness(): void {
    for (const query of [...this.queries]) this.answer(query)
    this.refresh()
    for (const of of SUBJECTS.keys()) {
      const asked = this.ask()
      const entry = this.load(of)
      this.fence.apply(this.log.tail(asked.head), asked)
      expect(this.fence.isValid(entry), `${JSON.stringify(entry)} is never valid`).toBe(true)
    }
    expect(this.fence.size).toBeLessThanOrEqual(CAP)
    expect(this.fence.asOf).toBe(this.time)
  }
}

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function pick<T>(from: readonly T[], at: number): T | undefined {
  return from[at % Math.max(1, from.length)]
}

function hasAskedSince(fence: Fence, order: number): boolean {
  return fence.isFresh({ ordinal: order, startedAt: 0, maxStalenessMs: 0, minSeq: 0 })
}

function touches(pattern: string, entry: Entry): boolean {
  return [entry.path, ...entry.tags].some((name) => naiveMatch(pattern, name))
}

describe('the fence, against a naive log', () => {
  it('never calls valid what the log invalidated before the fence was last current, in any order of events', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 80, size: 'max' }), (steps) => {
        const model = new Model()
        for (const what of steps) {
          model.run(what)
          model.check()
        }
        model.checkLiveness()
      }),
      { numRuns: 2000 },
    )
  }, 120_000)
})
