import { describe, expect, it } from 'vitest'
import { NaiveLog } from '../../test/naive-log.ts'
import { type Applied, type Asked, Fence, type Freshness, type Judged } from './fence.ts'

/** A fence beside its log, with a clock and an order of events. */
class Bench {
  readonly log = new NaiveLog(3)
  fence: Fence
  time = 100
  order = 0

  constructor(cap?: number) {
    this.fence = new Fence({ ...(cap !== undefined && { maxPatterns: cap }), foldedPlaces: 2 ** 12 })
  }

  commit(...patterns: string[]): number {
    return this.log.commit(patterns, ++this.order, this.time).seq
  }

  ask(): Asked {
    return this.fence.ask(this.time, ++this.order)
  }

  refresh(): Applied {
    for (;;) {
      const asked = this.ask()
      const applied = this.fence.apply(this.log.tail(asked.head), asked)
      if (applied !== 'more') return applied
    }
  }

  entry(path = 'content:post:1', tags: string[] = []): Judged {
    return { path, tags, epoch: this.log.epoch, stamp: this.log.maxSeq }
  }

  need(overrides: Partial<Freshness> = {}): Freshness {
    return { ordinal: ++this.order, startedAt: this.time, maxStalenessMs: 0, minSeq: 0, ...overrides }
  }
}

describe('validity', () => {
  it('ends with a pattern above the stamp that matches the key or a tag, and no other way', () => {
    const bench = new Bench()
    bench.refresh()
    const entry = bench.entry('content:post:1', ['user:profile:7'])
    bench.commit('content:post:2')
    bench.refresh()
    expect(bench.fence.isValid(entry)).toBe(true)
    bench.commit('user:profile:*')
    bench.refresh()
    expect(bench.fence.isValid(entry)).toBe(false)
    expect(bench.fence.isValid(bench.entry('content:post:1', ['user:profile:7']))).toBe(true)
  })

  it('is that of no entry of another epoch, nor of any while there is no fence', () => {
    const bench = new Bench()
    expect(bench.fence.isValid(bench.entry())).toBe(false)
    bench.refresh()
    expect(bench.fence.isValid(bench.entry())).toBe(true)
    expect(bench.fence.isValid({ ...bench.entry(), epoch: 'other' })).toBe(false)
  })

  it('names the generation of a key by its path alone', () => {
    const bench = new Bench()
    bench.commit('content:post:1')
    bench.commit('content:post:2')
    bench.refresh()
    expect(bench.fence.generation('content:post:1')).toBe(1)
    expect(bench.fence.generation('content:post:3')).toBe(0)
    bench.commit('content:*')
    bench.refresh()
    expect(bench.fence.generation('content:post:1')).toBe(3)
  })

  it('calls a key as a fence does that began after its change was pruned', () => {
    const bench = new Bench()
    const old = bench.entry('content:post:1')
    bench.commit('content:post:1')
    bench.commit('content:post:2')
    bench.commit('content:post:3')
    bench.refresh()
    bench.log.prune(2)
    bench.refresh()
    const known = bench.fence
    const names = (fence: Fence) => ['1', '2', '3'].map((id) => fence.generation(`content:post:${id}`))
    expect(names(known)).toEqual([0, 0, 3])
    // What it judges by is not forgotten.
    expect(known.isValid(old)).toBe(false)
    bench.fence = new Fence()
    bench.refresh()
    expect(names(bench.fence)).toEqual(names(known))
  })

  it('goes on to call keys by a pattern with wildcards that was pruned: they would all be loaded anew at once', () => {
    const bench = new Bench()
    bench.commit('content:*')
    bench.commit('content:post:1')
    bench.commit('api:list:a')
    bench.refresh()
    bench.log.prune(2)
    bench.refresh()
    expect(['1', '2'].map((id) => bench.fence.generation(`content:post:${id}`))).toEqual([1, 1])
  })
})

it.each([
  [{ maxPatterns: 0 }, 'maxPatterns is 0; it may be a whole number from 1 on'],
  [{ maxPatterns: Number.NaN }, 'maxPatterns is NaN'],
  [{ foldedPlaces: 1_000 }, 'foldedPlaces is 1000; it may be a power of two, at most 1048576'],
])('a fence has no limits such as %j', (limits, problem) => {
  expect(() => new Fence(limits)).toThrow(problem)
})

describe('freshness', () => {
  it('lasts for Δ from the moment before the query was sent', () => {
    const bench = new Bench()
    const asked = bench.ask()
    bench.time += 40
    bench.fence.apply(bench.log.tail(0), asked)
    expect(bench.fence.asOf).toBe(100)
    expect(bench.fence.isFresh(bench.need({ maxStalenessMs: 40 }))).toBe(true)
    bench.time += 1
    expect(bench.fence.isFresh(bench.need({ maxStalenessMs: 40 }))).toBe(false)
  })

  it('for Δ 0 needs a query sent after the read began, whatever the clock says', () => {
    const bench = new Bench()
    const asked = bench.ask()
    const need = bench.need()
    bench.fence.apply(bench.log.tail(0), asked)
    expect(bench.fence.isFresh(need)).toBe(false)
    bench.refresh()
    expect(bench.fence.isFresh(need)).toBe(true)
  })

  it('is not had from a clock that was set back since', () => {
    const bench = new Bench()
    bench.refresh()
    bench.time -= 1
    expect(bench.fence.isFresh(bench.need({ maxStalenessMs: 5000 }))).toBe(false)
    const need = bench.need({ maxStalenessMs: 5000 })
    bench.refresh()
    expect(bench.fence.isFresh(need)).toBe(true)
    expect(bench.fence.isFresh(bench.need({ maxStalenessMs: 5000 }))).toBe(true)
  })

  it('reaches a bookmark by the head, by the stamp, or, past the end of the log, by asking', () => {
    const bench = new Bench()
    bench.commit('a')
    bench.refresh()
    expect(bench.fence.reaches(bench.need({ minSeq: 1 }), 0)).toBe(true)
    const need = bench.need({ minSeq: 9 })
    expect(bench.fence.reaches(need, 0)).toBe(false)
    expect(bench.fence.reaches(need, 9)).toBe(true)
    bench.refresh()
    expect(bench.fence.reaches(need, 0)).toBe(true)
  })
})

describe('the tail (rule 2)', () => {
  it('is followed page by page; a full page moves the head but makes nothing fresh', () => {
    const bench = new Bench()
    for (let i = 0; i < 5; i++) bench.commit(`content:post:${i}`)
    const asked = bench.ask()
    expect(bench.fence.apply(bench.log.tail(0), asked)).toBe('more')
    expect([bench.fence.head, bench.fence.asOf]).toEqual([3, Number.NEGATIVE_INFINITY])
    expect(bench.refresh()).toBe('current')
    expect([bench.fence.head, bench.fence.asOf]).toEqual([5, 100])
  })

  it('proves nothing by the numbers that are missing in it', () => {
    const bench = new Bench()
    bench.log.commit(['a'], 1, 1)
    bench.log.commit(['b'], 2, 1, 5)
    expect(bench.refresh()).toBe('current')
    expect(bench.fence.head).toBe(7)
    bench.log.commit(['c'], 3, 1, 3)
    expect(bench.refresh()).toBe('current')
  })

  it('given up when too long, leaves nothing valid that is older than its end', () => {
    const bench = new Bench()
    bench.refresh()
    const before = bench.entry('content:other:1')
    for (let i = 0; i < 9; i++) bench.commit('content:post:1')
    bench.time += 5
    const asked = bench.ask()
    const page = bench.log.tail(asked.head)
    expect(bench.fence.apply(page, asked)).toBe('more')
    expect(bench.fence.asOf).toBe(100)
    bench.fence.skipTo(page, asked)
    expect([bench.fence.head, bench.fence.floor, bench.fence.asOf]).toEqual([9, 9, 105])
    expect(bench.fence.isValid(before)).toBe(false)
    expect(bench.fence.isValid(bench.entry('content:other:1'))).toBe(true)
    expect(bench.refresh()).toBe('current')
  })

  it('given up for a log that is no longer the one is not given up', () => {
    const bench = new Bench()
    bench.commit('a')
    bench.refresh()
    const asked = bench.ask()
    bench.fence.skipTo({ ...bench.log.tail(0), epoch: 'other', maxSeq: 99 }, asked)
    bench.fence.skipTo({ ...bench.log.tail(0), maxSeq: 99 }, { ...asked, epoch: null })
    bench.fence.skipTo({ ...bench.log.tail(0), maxEventId: null, maxSeq: 99 }, asked)
    expect([bench.fence.head, bench.fence.floor]).toEqual([1, 0])
  })

  it('late, says nothing that a newer one has not said', () => {
    const bench = new Bench()
    bench.refresh()
    const early = bench.ask()
    bench.commit('a')
    const late = bench.log.tail(early.head)
    bench.time += 50
    bench.commit('b')
    bench.refresh()
    expect(bench.fence.apply(late, early)).toBe('current')
    expect([bench.fence.head, bench.fence.headEventId, bench.fence.asOf]).toEqual([2, 'event-2', 150])
  })
})

describe('own writes (rule 3)', () => {
  it('hold at once where the tail did not reach them, though the head stays', () => {
    const bench = new Bench()
    bench.refresh()
    const entry = bench.entry('content:post:9')
    for (let i = 0; i < 4; i++) bench.commit('x')
    const asked = bench.ask()
    const seq = bench.commit('content:post:9')
    expect(bench.fence.apply(bench.log.tail(asked.head), asked)).toBe('more')
    bench.fence.markAt(['content:post:9'], seq)
    expect(bench.fence.head).toBe(3)
    expect(bench.fence.isValid(entry)).toBe(false)
    expect(bench.fence.isValid(bench.entry('content:post:9'))).toBe(true)
  })

  it('of unknown outcome make what they touch invalid, until a tail asked later tells', () => {
    const bench = new Bench()
    bench.refresh()
    const asked = bench.ask()
    const late = bench.log.tail(asked.head)
    bench.fence.noteWrite()
    bench.fence.markUnknown(['content:post:*'], ++bench.order)
    expect(bench.fence.isValid(bench.entry())).toBe(false)
    expect(bench.fence.isValid(bench.entry('content:page:1', ['content:post:1']))).toBe(false)
    expect(bench.fence.isValid(bench.entry('content:page:1'))).toBe(true)
    bench.fence.apply(late, asked)
    expect(bench.fence.isValid(bench.entry())).toBe(false)
    bench.refresh()
    expect(bench.fence.isValid(bench.entry())).toBe(true)
  })

  it('of unknown outcome bring back no doubt that was settled before', () => {
    const bench = new Bench()
    bench.refresh()
    bench.fence.markUnknown(['content:post:1'], ++bench.order)
    bench.refresh()
    bench.fence.markUnknown(['content:post:2'], ++bench.order)
    expect(bench.fence.isValid(bench.entry('content:post:1'))).toBe(true)
    expect(bench.fence.isValid(bench.entry('content:post:2'))).toBe(false)
  })

  it('in doubt do not pile up while D1 is away: past the cap, everything is in doubt', () => {
    const bench = new Bench(10)
    bench.refresh()
    for (let i = 0; i < 10; i++) bench.fence.markUnknown([`content:post:${i}`], ++bench.order)
    expect(bench.fence.isValid(bench.entry('content:page:1'))).toBe(true)
    bench.fence.markUnknown(['content:post:11'], ++bench.order)
    expect(bench.fence.isValid(bench.entry('content:page:1'))).toBe(false)
    bench.refresh()
    expect(bench.fence.isValid(bench.entry('content:page:1'))).toBe(true)
  })
})

describe('bounded memory (rule 6)', () => {
  it('folds, or raises the floor; what was invalid stays so, what is loaded now is valid', () => {
    const bench = new Bench(8)
    bench.refresh()
    const old = bench.entry('content:post:0')
    for (let i = 0; i < 40; i++) bench.commit(`${'abcdefgh'[i % 8]}:post:${i}`, `content:post:${i}`)
    bench.refresh()
    expect(bench.fence.size).toBeLessThanOrEqual(8)
    expect(bench.fence.isValid(old)).toBe(false)
    expect(bench.fence.isValid(bench.entry('content:post:0'))).toBe(true)
  })

  it('leaves alone what just fits', () => {
    const bench = new Bench(3)
    for (let i = 1; i <= 3; i++) bench.commit(`content:post:${i}`)
    bench.refresh()
    expect([bench.fence.size, bench.fence.floor, bench.fence.generation('content:post:9')]).toEqual([3, 0, 0])
  })

  it('holds for a snapshot as well', () => {
    const bench = new Bench(8)
    for (let i = 0; i < 30; i++) bench.commit(`content:post:${i}`)
    const snapshot = bench.log.snapshot()
    if (snapshot !== null) bench.fence.merge(snapshot)
    expect(bench.fence.size).toBeLessThanOrEqual(8)
  })

  it('holds for marks of own writes as well', () => {
    const bench = new Bench(8)
    bench.refresh()
    for (let i = 1; i <= 30; i++) bench.fence.markAt([`content:post:${i}`], i)
    expect(bench.fence.size).toBeLessThanOrEqual(8)
  })
})

describe('pruning and cold starts (rule 7)', () => {
  it('a fence that asks from below the prune mark trusts nothing older than it', () => {
    const bench = new Bench()
    bench.commit('a')
    bench.refresh()
    const entry = bench.entry('content:post:1')
    bench.commit('content:post:1')
    bench.commit('b')
    bench.log.prune(2)
    expect(bench.refresh()).toBe('current')
    expect(bench.fence.floor).toBe(2)
    expect(bench.fence.isValid(entry)).toBe(false)
    expect(bench.fence.isValid(bench.entry('content:post:1'))).toBe(true)
  })

  it('a fence that has read all that was pruned loses nothing', () => {
    const bench = new Bench()
    bench.commit('a')
    bench.commit('b')
    bench.refresh()
    bench.log.prune(1)
    bench.commit('c')
    bench.refresh()
    expect(bench.fence.floor).toBe(0)
  })

  it('a head whose row was pruned is no restored database', () => {
    const bench = new Bench()
    bench.commit('a')
    bench.refresh()
    bench.commit('b')
    bench.log.prune(1)
    expect(bench.refresh()).toBe('current')
  })

  it('a cold fence starts at the prune mark', () => {
    const bench = new Bench()
    for (const pattern of ['a', 'b', 'c']) bench.commit(pattern)
    bench.log.prune(2)
    bench.refresh()
    expect([bench.fence.floor, bench.fence.head]).toEqual([2, 3])
  })

  it('a snapshot is a start for the tail: it makes nothing fresh', () => {
    const bench = new Bench()
    bench.commit('a', 'b')
    bench.commit('a')
    const snapshot = bench.log.snapshot()
    if (snapshot === null) throw new Error('the log has rows')
    bench.fence.merge(snapshot)
    expect([bench.fence.head, bench.fence.size, bench.fence.epoch]).toEqual([2, 2, 'e1'])
    expect(bench.fence.isFresh(bench.need({ maxStalenessMs: 1e9 }))).toBe(false)
    bench.commit('c')
    expect(bench.refresh()).toBe('current')
    expect([bench.fence.head, bench.fence.generation('a'), bench.fence.generation('c')]).toEqual([3, 2, 3])
  })

  it('a snapshot that comes late is united by the highest of everything', () => {
    const bench = new Bench()
    bench.commit('a')
    const early = bench.log.snapshot()
    bench.commit('a')
    bench.refresh()
    if (early !== null) bench.fence.merge({ ...early, floor: 0 })
    expect([bench.fence.head, bench.fence.headEventId, bench.fence.generation('a')]).toEqual([
      2,
      'event-2',
      2,
    ])
    if (early !== null) bench.fence.merge({ ...early, epoch: 'other', head: 99, floor: 99 })
    expect([bench.fence.head, bench.fence.floor]).toEqual([2, 0])
  })

  it('an answer to a question from before the snapshot says nothing about the fence since', () => {
    const bench = new Bench()
    bench.commit('a')
    const asked = bench.ask()
    const snapshot = bench.log.snapshot()
    if (snapshot !== null) bench.fence.merge(snapshot)
    expect(bench.fence.apply(bench.log.tail(0), asked)).toBe('ignored')
  })
})

describe('restores (rule 8)', () => {
  function restored() {
    const bench = new Bench()
    bench.commit('a')
    const backup = bench.log.backup()
    bench.commit('b')
    bench.refresh()
    bench.log.restore(backup)
    return bench
  }

  it('are seen by a head below the one known when the query was sent', () => {
    expect(restored().refresh()).toBe('restored')
  })

  it('are seen by another event at the head', () => {
    const bench = restored()
    bench.commit('c')
    bench.commit('d')
    expect(bench.refresh()).toBe('restored')
  })

  it('are seen by a head that is gone though nobody pruned it', () => {
    const bench = restored()
    bench.log.commit(['c'], 1, 1, 1)
    expect(bench.refresh()).toBe('restored')
  })

  it('are seen by an empty log', () => {
    const bench = new Bench()
    const empty = bench.log.backup()
    bench.commit('a')
    bench.refresh()
    bench.log.restore(empty)
    expect(bench.refresh()).toBe('restored')
  })

  it('are seen by the seq of an own write above the head', () => {
    const bench = new Bench()
    for (let i = 0; i < 4; i++) bench.commit('x')
    const backup = bench.log.backup()
    const asked = bench.ask()
    const seq = bench.commit('content:post:1')
    bench.fence.apply(bench.log.tail(0), asked)
    bench.fence.markAt(['content:post:1'], seq)
    bench.log.restore(backup)
    expect(bench.refresh()).toBe('restored')
  })

  it('are seen by an epoch that had ended, whose entries are still about', () => {
    const bench = restored()
    const veryOld = bench.log.backup()
    bench.log.moveEpoch('e1', 0)
    expect(bench.refresh()).toBe('adopted')
    bench.commit('c')
    bench.refresh()
    bench.log.restore(veryOld)
    expect([bench.log.epoch, bench.refresh()]).toEqual(['e1', 'restored'])
  })

  it('begin a new epoch with nothing valid, and the freshness of the answer that told', () => {
    const bench = restored()
    const entry = { ...bench.entry(), epoch: 'e2' }
    bench.log.moveEpoch('e1', 0)
    bench.time += 7
    bench.commit('c')
    expect(bench.refresh()).toBe('adopted')
    expect([bench.fence.epoch, bench.fence.head, bench.fence.floor, bench.fence.asOf]).toEqual([
      'e2',
      2,
      2,
      107,
    ])
    expect(bench.fence.isValid(entry)).toBe(false)
    expect(bench.fence.isValid(bench.entry())).toBe(true)
  })

  it('end the doubts of the epoch before, for an answer asked after them', () => {
    const bench = restored()
    bench.fence.noteWrite()
    bench.fence.markUnknown(['content:post:*'], ++bench.order)
    bench.log.moveEpoch('e1', 0)
    expect(bench.refresh()).toBe('adopted')
    expect(bench.fence.isValid(bench.entry())).toBe(true)
  })

  it('make void what was asked under another epoch, or before an own write', () => {
    const bench = restored()
    const underOld = bench.ask()
    const old = bench.log.tail(underOld.head)
    bench.log.moveEpoch('e1', 0)
    const beforeWrite = bench.ask()
    bench.fence.noteWrite()
    expect(bench.fence.apply(bench.log.tail(beforeWrite.head), beforeWrite)).toBe('ignored')
    expect(bench.fence.epoch).toBe('e1')
    expect(bench.refresh()).toBe('adopted')
    expect(bench.fence.apply(old, underOld)).toBe('ignored')
    expect(bench.fence.epoch).toBe('e2')
  })
})
