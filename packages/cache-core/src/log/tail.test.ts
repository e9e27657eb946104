import { describe, expect, it } from 'vitest'
import { World } from '../../test/world.ts'
import { decodeTail, ROW_ID, TAIL_PAGE, type Tail, tailStatement } from './tail.ts'

async function tailOf(world: World, head: number): Promise<Tail> {
  const [result] = await world.db.batch([tailStatement(world.db, head)])
  return decodeTail(result)
}

const eventIdAt = (world: World, seq: number) =>
  world.d1.one(`SELECT ${ROW_ID} AS id FROM invalidation_log WHERE seq = ?`, seq)?.id

describe('the tail query', () => {
  it('tells a row from the same event logged again at its place, after a restore', async () => {
    const world = new World()
    const log = (at: number) =>
      world.d1.exec(`INSERT INTO invalidation_log (seq, event_id, type, payload, patterns, created_at)
        VALUES (1, 'e', 't', '{}', '[]', ${at})`)
    log(1)
    const before = await tailOf(world, 1)
    world.d1.exec('DELETE FROM invalidation_log')
    log(2)
    expect((await tailOf(world, 1)).eventIdAtHead).not.toBe(before.eventIdAtHead)
  })

  it('of an empty log has its state and no rows', async () => {
    const world = new World()
    expect(await tailOf(world, 0)).toEqual({
      epoch: world.epoch,
      prunedTo: 0,
      maxSeq: 0,
      maxEventId: null,
      eventIdAtHead: null,
      rows: [],
      truncated: false,
    })
  })

  it('has the rows after a head, the event at it, and the end of the log', async () => {
    const world = new World()
    for (const pattern of ['a', 'b', 'c']) world.logElsewhere([pattern, 'all'])
    world.d1.exec('UPDATE invalidation_state SET pruned_to = 1')
    const tail = await tailOf(world, 1)
    expect(tail.rows.map(({ seq, patterns }) => [seq, patterns])).toEqual([
      [2, ['b', 'all']],
      [3, ['c', 'all']],
    ])
    expect(tail.rows[0]?.eventId).toBe(eventIdAt(world, 2))
    expect([tail.prunedTo, tail.maxSeq, tail.truncated]).toEqual([1, 3, false])
    expect([tail.maxEventId, tail.eventIdAtHead]).toEqual([eventIdAt(world, 3), eventIdAt(world, 1)])
  })

  it('at the end of the log, and past it, has no rows', async () => {
    const world = new World()
    world.logElsewhere(['a'])
    expect(await tailOf(world, 1)).toMatchObject({ rows: [], maxSeq: 1, eventIdAtHead: eventIdAt(world, 1) })
    expect(await tailOf(world, 9)).toMatchObject({ rows: [], maxSeq: 1, eventIdAtHead: null })
  })

  it('comes in pages, each of which knows that there may be more', async () => {
    const world = new World()
    world.logMany(TAIL_PAGE + 1)
    const first = await tailOf(world, 0)
    expect([first.rows.length, first.truncated, first.maxSeq]).toEqual([TAIL_PAGE, true, TAIL_PAGE + 1])
    const second = await tailOf(world, first.rows.at(-1)?.seq ?? 0)
    expect([second.rows.length, second.truncated]).toEqual([1, false])
  })

  it('skips the numbers that the log has skipped', async () => {
    const world = new World()
    world.logElsewhere(['a'])
    world.d1.exec(`UPDATE sqlite_sequence SET seq = 40 WHERE name = 'invalidation_log'`)
    world.logElsewhere(['b'])
    expect((await tailOf(world, 1)).rows.map(({ seq }) => seq)).toEqual([41])
  })

  it('is one statement: a row committed between two would be lost for good', async () => {
    const world = new World()
    await tailOf(world, 0)
    expect(world.d1.log.length).toBe(1)
  })
})

describe('decodeTail', () => {
  it('says what to do about a log without its state row', async () => {
    const world = new World()
    world.logElsewhere(['a'])
    world.d1.exec('DELETE FROM invalidation_state')
    await expect(tailOf(world, 0)).rejects.toThrow('run its migrations')
  })

  it('says which table a database without the migrations has not', async () => {
    const world = new World()
    world.d1.exec('DROP TABLE invalidation_state')
    await expect(tailOf(world, 0)).rejects.toThrow('no such table: invalidation_state')
  })

  it.each([undefined, { results: [{}], meta: {} }, { results: [{ epoch: 1 }], meta: {} }])(
    'takes nothing for granted: %j',
    (result) => {
      expect(() => decodeTail(result)).toThrow()
    },
  )

  it('takes patterns that it cannot read for all there is: they were meant to invalidate something', async () => {
    const world = new World()
    world.logElsewhere(['a'])
    world.d1.exec(`UPDATE invalidation_log SET patterns = '[1, {"a":1}]'`)
    expect((await tailOf(world, 0)).rows[0]?.patterns).toEqual(['*'])
    expect(() => world.d1.exec(`UPDATE invalidation_log SET patterns = '"text"'`)).toThrow('CHECK constraint')
  })
})
