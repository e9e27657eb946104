import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { policyOf, posts, World } from '../../test/world.ts'
import { prune, retentionMs } from './prune.ts'

const CONFIGS = { content: policyOf({ ttl: 100, staleIfErrorSeconds: 0 }) }
const KEEP = retentionMs(CONFIGS)

const seqs = (world: World) =>
  world.d1.sqlite
    .prepare('SELECT seq FROM invalidation_log ORDER BY seq')
    .all()
    .map(({ seq }) => seq)
const prunedTo = (world: World) => world.d1.one('SELECT pruned_to FROM invalidation_state')?.pruned_to

/** A log with rows of these ages in ms, processed or not. */
function logOf(rows: { age: number; isProcessed: boolean }[]): World {
  const world = new World()
  for (const { age, isProcessed } of rows) {
    const seq = world.logElsewhere(['a'])
    world.d1.sqlite
      .prepare('UPDATE invalidation_log SET created_at = ?, processed_at = ? WHERE seq = ?')
      .run(world.runtime.now() - age, isProcessed ? 1 : null, seq)
  }
  return world
}

const run = (world: World) => prune(world.db, CONFIGS, world.runtime.now())

describe('retentionMs', () => {
  it('is longer than any entry can be of use: the longest life with its stale time, and a tenth more', () => {
    const short = policyOf({ ttl: 100, staleIfErrorSeconds: 50 })
    const long = policyOf({ ttl: 200, staleIfErrorSeconds: 10 })
    expect(retentionMs({ short, long })).toBeCloseTo(231_000)
    expect(retentionMs({})).toBe(0)
  })
})

describe('prune', () => {
  it('removes what is processed and older than any entry', async () => {
    const world = logOf([
      { age: KEEP + 1, isProcessed: true },
      { age: KEEP + 1, isProcessed: true },
      { age: KEEP, isProcessed: true },
      { age: 0, isProcessed: true },
    ])
    expect(await run(world)).toBe(2)
    expect([seqs(world), prunedTo(world)]).toEqual([[3, 4], 2])
  })

  it('leaves what nobody has processed, and does not wait for it', async () => {
    const world = logOf([
      { age: KEEP + 2, isProcessed: true },
      { age: KEEP + 2, isProcessed: false },
      { age: KEEP + 2, isProcessed: true },
      { age: 0, isProcessed: true },
    ])
    expect(await run(world)).toBe(2)
    expect([seqs(world), prunedTo(world)]).toEqual([[2, 4], 3])
    world.d1.exec('UPDATE invalidation_log SET processed_at = 1')
    expect(await run(world)).toBe(1)
    expect([seqs(world), prunedTo(world)]).toEqual([[4], 3])
  })

  it('leaves the last row, however old it is', async () => {
    const world = logOf([
      { age: KEEP * 9, isProcessed: true },
      { age: KEEP * 9, isProcessed: true },
    ])
    await run(world)
    await run(world)
    expect(seqs(world)).toEqual([2])
  })

  it('goes by the order of the log, not of its clocks', async () => {
    const world = logOf([
      { age: KEEP + 5, isProcessed: true },
      { age: 10, isProcessed: true },
      { age: KEEP + 5, isProcessed: true },
      { age: 0, isProcessed: true },
    ])
    expect(await run(world)).toBe(1)
    expect([seqs(world), prunedTo(world)]).toEqual([[2, 3, 4], 1])
  })

  it('moves its mark in the transaction that deletes', async () => {
    const world = logOf([
      { age: KEEP + 1, isProcessed: true },
      { age: 0, isProcessed: true },
    ])
    let batches = 0
    world.d1.before = () => {
      batches++
    }
    await run(world)
    expect(batches).toBe(1)
    const failing = logOf([
      { age: KEEP + 1, isProcessed: true },
      { age: 0, isProcessed: true },
    ])
    failing.d1.exec(
      `CREATE TRIGGER no BEFORE DELETE ON invalidation_log BEGIN SELECT RAISE(ABORT, 'no deletes'); END`,
    )
    await expect(run(failing)).rejects.toThrow('no deletes')
    expect([seqs(failing), prunedTo(failing)]).toEqual([[1, 2], 0])
  })

  it('of an empty log, or of one where nothing may go, changes nothing', async () => {
    expect(await run(new World())).toBe(0)
    const young = logOf([
      { age: 1, isProcessed: true },
      { age: 0, isProcessed: true },
    ])
    expect([await run(young), prunedTo(young)]).toEqual([0, 0])
  })

  it('never removes what it may not, nor a row above its mark, and never moves the mark back', async () => {
    const row = fc.record({
      age: fc.constantFrom(0, KEEP - 1, KEEP, KEEP + 1, KEEP * 5),
      isProcessed: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 12 }), fc.nat(5), async (rows, mark) => {
        const world = logOf(rows)
        const from = Math.min(mark, Math.max(0, rows.length - 1))
        world.d1.exec(`UPDATE invalidation_state SET pruned_to = ${from}`)
        await run(world)
        const kept = seqs(world)
        const to = Number(prunedTo(world))
        expect(to).toBeGreaterThanOrEqual(from)
        rows.forEach(({ age, isProcessed }, i) => {
          if (kept.includes(i + 1)) return
          expect([isProcessed, i + 1 <= to, i + 1 < rows.length]).toEqual([true, true, true])
          if (i + 1 > from) expect(age).toBeGreaterThan(KEEP)
        })
      }),
      { numRuns: 60 },
    )
  })
})

describe('a fence', () => {
  it('that asks from below the mark trusts nothing from before it; one that has read it all loses nothing', async () => {
    const world = new World()
    world.plant('1', 'old')
    const behind = world.isolate()
    await behind.cache.read(posts.at({ id: '1' }))
    world.writeElsewhere('1', 'new')
    const ahead = world.isolate()
    await ahead.cache.read(posts.at({ id: '1' }))
    // The clock jumps past the timers: nobody has kept a fence fresh meanwhile.
    world.runtime.time += KEEP + 1
    world.logElsewhere(['b'])
    world.d1.exec('UPDATE invalidation_log SET processed_at = 1')
    await run(world)
    expect(seqs(world)).toEqual([2])
    expect((await behind.cache.read(posts.at({ id: '1' }))).value()?.title).toBe('new')
    expect(behind.isolate.fence.floor).toBe(1)
    expect((await ahead.cache.read(posts.at({ id: '1' }))).outcome).toBe('HIT')
  })
})
