import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyText } from '../../test/arbitraries.ts'
import { World } from '../../test/world.ts'
import { ROW_ID } from '../log/tail.ts'
import type { Database } from '../ports.ts'
import { buildSnapshot, readSnapshot, readSnapshotMark, SNAPSHOT_NAME, writeSnapshot } from './snapshot.ts'

describe('buildSnapshot', () => {
  it('has each pattern with its highest seq, the head and its event, the prune mark and the epoch', async () => {
    const world = new World()
    world.logElsewhere(['a', 'b'])
    world.logElsewhere(['a', 'c:*'])
    world.d1.exec('UPDATE invalidation_state SET pruned_to = 1')
    const snapshot = await buildSnapshot(world.db)
    expect({ ...snapshot, patterns: Object.fromEntries(snapshot?.patterns ?? []) }).toEqual({
      schema: 1,
      epoch: world.epoch,
      head: 2,
      headEventId: world.d1.one(`SELECT ${ROW_ID} AS id FROM invalidation_log WHERE seq = 2`)?.id,
      floor: 1,
      patterns: { a: 2, b: 1, 'c:*': 2 },
      folded: null,
    })
  })

  it('asks for all of that in one transaction', async () => {
    const world = new World()
    world.logElsewhere(['a'])
    let batches = 0
    world.d1.before = () => {
      batches++
    }
    await buildSnapshot(world.db)
    expect(batches).toBe(1)
  })

  it('takes a pattern that is none for one that matches everything: it was meant to invalidate something', async () => {
    const world = new World()
    world.d1.exec(`INSERT INTO invalidation_log (event_id, type, payload, patterns, created_at)
      VALUES ('a', 'x', 'null', '[7, "a"]', 1)`)
    expect(Object.fromEntries((await buildSnapshot(world.db))?.patterns ?? [])).toEqual({ '*': 1, a: 1 })
  })

  it('is made from the newest 20,000 rows, and trusts nothing older', async () => {
    const world = new World()
    world.logMany(20_007, `CASE WHEN value <= 7 THEN 'content:old:1' ELSE 'content:new:1' END`)
    const snapshot = await buildSnapshot(world.db)
    expect([snapshot?.floor, snapshot?.head, snapshot?.patterns]).toEqual([
      7,
      20_007,
      [['content:new:1', 20_007]],
    ])
  })

  it('is null for an empty log', async () => {
    expect(await buildSnapshot(new World().db)).toBe(null)
  })

  it('folds what is too much for one fence; who starts from it calls nearly all keys by the names that others do', async () => {
    const world = new World()
    const old = world.isolate().isolate
    for (const base of [0, 3000]) {
      world.logMany(3000, `'content:other:' || (value + ${base})`)
      await old.refresher.run(world.io())
    }
    const snapshot = await buildSnapshot(world.db)
    expect([snapshot?.patterns.length, snapshot?.floor]).toEqual([3000, 0])
    expect(snapshot?.folded?.steps.length).toBeGreaterThan(2 * 2900)
    // Another one's table has fewer places.
    const young = world.isolate({ fence: { foldedPlaces: 2 ** 17 } }).isolate
    if (snapshot !== null) young.fence.merge(snapshot)
    expect([old.fence.size, young.fence.size]).toEqual([6000, 3000])
    let different = 0
    for (let i = 1; i <= 8000; i++) {
      const name = `content:other:${i}`
      expect(young.fence.generation(name)).toBeGreaterThanOrEqual(old.fence.generation(name))
      if (young.fence.generation(name) !== old.fence.generation(name)) different++
    }
    expect(different).toBeLessThan(8000 * 0.03)
  })

  it('keeps the few patterns with wildcards beside very many names, as a content model logs them', async () => {
    const world = new World()
    world.logMany(
      6_000,
      `'content:item:' || value, 'api:list:' || (value % 20) || ':*', 'api:feed:' || (value % 20) || ':*'`,
    )
    const snapshot = await buildSnapshot(world.db)
    expect(snapshot?.floor).toBe(0)
    expect(snapshot?.patterns.filter(([pattern]) => pattern.endsWith('*'))).toHaveLength(40)
  })

  it('raises its floor over what folding cannot hold', async () => {
    const world = new World()
    world.logMany(6000, `'n' || value || ':x:*'`)
    const snapshot = await buildSnapshot(world.db)
    expect([snapshot?.patterns.length, snapshot?.floor]).toEqual([3000, 3000])
  })

  it('is made from the newest 50,000 patterns, and trusts nothing older', async () => {
    const world = new World()
    world.logMany(501, `'n' || value || ':1'`)
    // As a bulk write has them: a hundred of each row.
    world.d1.exec(`UPDATE invalidation_log SET patterns =
      (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 100)
      SELECT json_group_array('n' || seq || ':' || value) FROM n)`)
    const snapshot = await buildSnapshot(world.db)
    expect([snapshot?.head, snapshot?.floor]).toEqual([501, 1])
    expect(snapshot?.folded?.steps.length).toBeGreaterThan(2 * 40_000)
  })
})

describe('a snapshot made from the one before', () => {
  const named = (base: number) => `'content:other:' || (value + ${base})`

  it('knows what the one before did, though those rows are too many to be read again', async () => {
    const world = new World()
    let snapshot = null
    for (let i = 0; i < 5; i++) {
      world.logMany(6_000, named(i * 6_000))
      snapshot = await buildSnapshot(world.db, snapshot)
    }
    expect([snapshot?.head, snapshot?.floor]).toEqual([30_000, 0])
    const { fence } = world.isolate().isolate
    if (snapshot !== null) fence.merge(snapshot)
    for (let i = 1; i <= 30_000; i++) expect(fence.generation(`content:other:${i}`)).toBeGreaterThanOrEqual(i)
    expect((await buildSnapshot(world.db))?.floor).toBe(10_000)
  })

  it('reads only the rows past it', async () => {
    const world = new World()
    world.logMany(100)
    const before = await buildSnapshot(world.db)
    world.logMany(3)
    const rows: unknown[] = []
    const db: Database = {
      prepare: (sql) => world.db.prepare(sql),
      async batch(statements) {
        const results = await world.db.batch(statements)
        rows.push(...results.map(({ results: own }) => own.length))
        return results
      },
    }
    await buildSnapshot(db, before)
    expect(rows).toEqual([3, 1])
  })

  it('trusts nothing that was left out between the two', async () => {
    const world = new World()
    world.logMany(3)
    const before = await buildSnapshot(world.db)
    world.logMany(20_004, named(3))
    expect((await buildSnapshot(world.db, before))?.floor).toBe(7)
  })

  it('trusts nothing that was pruned, and keeps nothing of it', async () => {
    const world = new World()
    world.logMany(6_000)
    const before = await buildSnapshot(world.db)
    world.d1.exec(
      'UPDATE invalidation_state SET pruned_to = 2000; DELETE FROM invalidation_log WHERE seq <= 2000',
    )
    world.logMany(1, named(6_000))
    const after = await buildSnapshot(world.db, before)
    expect([after?.head, after?.floor]).toEqual([6_001, 2_000])
    expect(after?.folded?.steps.length).toBeLessThan(0.4 * (before?.folded?.steps.length ?? 0))
    // Even where the head of the one before is gone.
    world.d1.exec(
      'UPDATE invalidation_state SET pruned_to = 6000; DELETE FROM invalidation_log WHERE seq <= 6000',
    )
    const gone = await buildSnapshot(world.db, before)
    expect(gone).toMatchObject({
      head: 6_001,
      floor: 6_000,
      patterns: [['content:other:6001', 6_001]],
      folded: { steps: [] },
    })
  })

  it('goes on to know patterns with wildcards that were pruned, since they name many keys in KV', async () => {
    const world = new World()
    world.logElsewhere(['content:*', 'content:post:1'])
    world.logElsewhere(['user:7'])
    const before = await buildSnapshot(world.db)
    world.d1.exec('UPDATE invalidation_state SET pruned_to = 1; DELETE FROM invalidation_log WHERE seq <= 1')
    const after = await buildSnapshot(world.db, before)
    expect(after?.floor).toBe(1)
    expect(Object.fromEntries(after?.patterns ?? [])).toEqual({ 'content:*': 1, 'user:7': 2 })
    const { isolate } = world.isolate()
    if (after !== null) isolate.fence.merge(after)
    await isolate.refresher.run(world.io())
    expect(isolate.fence.generation('content:post:2')).toBe(1)
  })

  it.each([
    ['has another event at its head', 'UPDATE invalidation_log SET created_at = 7 WHERE seq = 2'],
    ['ends before it', 'DELETE FROM invalidation_log WHERE seq = 2'],
    ['is of another epoch', "UPDATE invalidation_state SET epoch = 'feed'"],
  ])('does not go on from it where the log %s', async (_, restore) => {
    const world = new World()
    world.logElsewhere(['a'])
    world.logElsewhere(['gone'])
    const before = await buildSnapshot(world.db)
    world.d1.exec(restore)
    const after = await buildSnapshot(world.db, before && { ...before, patterns: [['only:here', 2]] })
    expect(after?.patterns.map(([pattern]) => pattern)).not.toContain('only:here')
    expect(after).toEqual(await buildSnapshot(world.db))
  })
})

describe('a snapshot in KV', () => {
  it('comes back as it was, its head in the metadata', async () => {
    const patterns = fc.uniqueArray(fc.tuple(anyText, fc.integer({ min: 1 })), { maxLength: 20 })
    const steps = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 20 }).map((pairs) => pairs.flat())
    const folds = fc.option(fc.record({ places: fc.constantFrom(1, 1024), steps }))
    await fc.assert(
      fc.asyncProperty(patterns, folds, fc.nat(), fc.nat(), async (entries, folded, head, floor) => {
        const { kv, runtime } = new World()
        const snapshot = {
          schema: 1 as const,
          epoch: 'feed',
          head,
          headEventId: 'id',
          floor,
          patterns: entries,
          folded,
        }
        await writeSnapshot(kv, snapshot, runtime.now())
        expect(await readSnapshot(kv)).toEqual(snapshot)
        expect(await readSnapshotMark(kv)).toEqual({
          epoch: 'feed',
          head,
          headEventId: 'id',
          writtenAt: runtime.now(),
        })
      }),
      { numRuns: 30 },
    )
  })

  it.each([
    ['no JSON', '{'],
    ['another schema', '{"schema":2}'],
    ['a field missing', '{"schema":1,"epoch":"a","head":1,"floor":0,"patterns":[]}'],
    [
      'a seq that is no number',
      '{"schema":1,"epoch":"a","head":1,"headEventId":"b","floor":0,"patterns":[["a","1"]]}',
    ],
    [
      'a table whose places no hash tells',
      '{"schema":1,"epoch":"a","head":1,"headEventId":"b","floor":0,"patterns":[],"folded":{"places":3,"steps":[]}}',
    ],
    [
      'a table with half a pair',
      '{"schema":1,"epoch":"a","head":1,"headEventId":"b","floor":0,"patterns":[],"folded":{"places":4,"steps":[1]}}',
    ],
    [
      'a table that goes backwards',
      '{"schema":1,"epoch":"a","head":1,"headEventId":"b","floor":0,"patterns":[],"folded":{"places":4,"steps":[-1,1]}}',
    ],
    ['nothing', ''],
  ])('is no snapshot with %s', async (_, value) => {
    const { kv } = new World()
    await kv.put(SNAPSHOT_NAME, value, { expirationTtl: 60, metadata: { head: 'x' } })
    expect([await readSnapshot(kv), await readSnapshotMark(kv)]).toEqual([null, null])
  })

  it('is none where there is none', async () => {
    const { kv } = new World()
    expect([await readSnapshot(kv), await readSnapshotMark(kv)]).toEqual([null, null])
  })
})
