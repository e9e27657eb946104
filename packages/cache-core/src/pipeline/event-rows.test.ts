import { expect, it } from 'vitest'
import { World } from '../../test/world.ts'
import { mark, type Progress } from './event-rows.ts'

const MINUTE = 28_000_000

function bench() {
  const world = new World()
  const ids = () =>
    world.d1.sqlite.prepare('SELECT seq, event_id AS id FROM invalidation_log ORDER BY seq').all()
  const progress = (seq: number, more: Partial<Progress> = {}): Progress => ({
    id: String(ids()[seq - 1]?.id),
    seq,
    warmJobs: 0,
    swept: 0,
    isSwept: false,
    isDone: true,
    link: null,
    next: null,
    ...more,
  })
  const counts = () =>
    world.d1.sqlite
      .prepare('SELECT minute, name, value FROM pipeline_counts ORDER BY minute, name')
      .all()
      .map(({ minute, name, value }) => [Number(minute) - MINUTE, name, value])
  return { world, progress, counts }
}

it('events are counted by what became of them, each once, whoever does it again', async () => {
  const { world, progress, counts } = bench()
  for (let i = 0; i < 3; i++) world.logElsewhere(['a'])
  const at = MINUTE * 60_000 + 30_000
  await mark(world.db, [progress(1), progress(2), progress(3, { isDone: false, next: 'rest' })], at, at)
  expect(counts()).toEqual([
    [0, 'events.processed', 2],
    [0, 'events.sweeping', 1],
  ])
  // Another copy of the batch, which had read the rows before: all of it is somebody else's work by now.
  await mark(world.db, [progress(1), progress(2), progress(3, { isDone: false, next: 'other' })], at, at + 1)
  await mark(world.db, [progress(3, { link: 'rest' })], at, at + 60_000)
  expect(counts()).toEqual([
    [0, 'events.processed', 2],
    [0, 'events.sweeping', 1],
    [1, 'events.processed', 1],
  ])
})
