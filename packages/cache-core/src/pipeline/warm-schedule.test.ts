import { describe, expect, it } from 'vitest'
import { CapturedQueue, World } from '../../test/world.ts'
import type { Recipe } from '../source.ts'
import { laneBacklogs } from './counts.ts'
import { addReads } from './popularity.ts'
import { parseWarmMessage, type WarmJob } from './warm-job.ts'
import { scheduledJobs, warmAllowance, warmOnSchedule } from './warm-schedule.ts'

const recipe = (id: string) => ({ resource: 'post', params: { id } })
const jobsIn = (queue: CapturedQueue): WarmJob[] =>
  queue.sent.map(parseWarmMessage).flatMap((parsed) => ('job' in parsed ? [parsed.job] : []))

describe('the allowance of a batch', () => {
  it('shrinks with the backlog, and is nothing behind a full one or before an overloaded D1', () => {
    const of = (backlog: number, isOverloaded = false) => warmAllowance({ backlog, isOverloaded }, 1000)
    expect([of(0), of(250), of(1000), of(5000), of(0, true)]).toEqual([1000, 750, 0, 0, 0])
  })
})

describe('the jobs of a batch', () => {
  const popular = [
    { recipe: recipe('much'), score: 100, costMs: 1 },
    { recipe: recipe('dear'), score: 20, costMs: 50 },
    { recipe: recipe('unknown cost'), score: 30, costMs: 0 },
  ]
  const batch = { planned: [recipe('home')], popular, allowance: 100, isFull: false, now: 1_000_000 }

  it('are what is planned, then what is read, by what a load of it saves', () => {
    const jobs = scheduledJobs(batch)
    expect(jobs.map((job) => [job.recipe.params.id, job.reason, job.benefit])).toEqual([
      ['home', 'schedule', undefined],
      ['dear', 'popular', 1000],
      ['much', 'popular', 100],
      ['unknown cost', 'popular', 30],
    ])
    // Before the next batch comes, and ahead of what expires until then.
    for (const job of jobs) expect(job).toMatchObject({ minLifeMs: 330_000, deadline: 1_300_000 })
  })

  it('are no more than allowed', () => {
    expect(scheduledJobs({ ...batch, allowance: 2 }).map((job) => job.recipe.params.id)).toEqual([
      'home',
      'dear',
    ])
  })

  it('of a full warm-up load everything anew', () => {
    for (const job of scheduledJobs({ ...batch, isFull: true }))
      expect(job).toMatchObject({ reason: 'full warm-up', minLifeMs: 30 * 86_400_000 })
  })
})

describe('a scheduled batch', () => {
  async function run(
    backlog: number | null,
    isOverloaded = false,
    kind: Parameters<typeof warmOnSchedule>[1] = 'usual',
    isWarmable = (_recipe: Recipe) => true,
  ) {
    const world = new World()
    const now = world.runtime.now()
    const reads = ['a', 'b', 'c'].map((id, i) => ({ recipe: recipe(id), reads: 10 - i, costMs: 1 }))
    await world.db.batch([addReads(world.db, reads, now)])
    const queues = { high: new CapturedQueue(), low: new CapturedQueue() }
    if (backlog !== null) queues.low.metrics = async () => ({ backlogCount: backlog })
    const planned = async () => [recipe('home')]
    const sent = await warmOnSchedule({ db: world.db, queues, planned, isWarmable, isOverloaded, now }, kind)
    return { sent, ids: jobsIn(queues.low).map((job) => job.recipe.params.id), high: queues.high.sent }
  }

  it('goes to the low lane, whole where nobody tells of a backlog', async () => {
    expect(await run(null)).toEqual({ sent: 4, ids: ['home', 'a', 'b', 'c'], high: [] })
    expect((await run(0, false, 'full')).sent).toBe(4)
  })

  it('leaves a note of what waits in both lanes, and needs none', async () => {
    const world = new World()
    const now = world.runtime.now()
    const queues = { high: new CapturedQueue(), low: new CapturedQueue() }
    queues.high.metrics = async () => ({ backlogCount: 2 })
    queues.low.metrics = async () => ({ backlogCount: 40 })
    const deps = {
      db: world.db,
      queues,
      planned: async () => [recipe('home')],
      isWarmable: () => true,
      isOverloaded: false,
      now,
    }
    expect(await warmOnSchedule(deps, 'usual')).toBe(1)
    const { statements, decode } = laneBacklogs(world.db)
    const at = Math.floor(now / 60_000) * 60_000
    expect(decode(await world.db.batch(statements))).toEqual({
      high: { waiting: 2, at },
      low: { waiting: 40, at },
    })
    world.d1.exec('DROP TABLE pipeline_counts')
    expect(await warmOnSchedule(deps, 'usual')).toBe(1)
  })

  it('is left out while the lane is full or D1 has too much to do', async () => {
    expect([(await run(1000)).sent, (await run(0, true)).sent]).toEqual([0, 0])
  })

  it('is sent whatever waits where an operator asks for it', async () => {
    expect((await run(5000, true, 'asked')).sent).toBe(4)
  })

  it('leaves out what may not be warmed, or is no more', async () => {
    const isWarmable = ({ params }: Recipe) => params.id !== 'a' && params.id !== 'home'
    expect((await run(0, false, 'usual', isWarmable)).ids).toEqual(['b', 'c'])
  })
})
