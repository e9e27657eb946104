import { describe, expect, it } from 'vitest'
import { CapturedQueue, posts, resources, World } from '../test/world.ts'
import { parseWarmMessage, type WarmJob } from './pipeline/warm-job.ts'
import { CacheWarmer, sendJobs } from './warmer.ts'

const recipe = (id: string) => ({ resource: 'post', params: { id } })
const job = (id: string, priority = 1): WarmJob => ({ recipe: recipe(id), priority, reason: 'test' })

function warmerOf(plans: { startup?: string[]; scheduled?: string[] } = {}) {
  return new CacheWarmer(resources, {
    startup: (plans.startup ?? []).map(recipe),
    forEvent: (type, payload) => {
      if (type === 'post.delete') return { jobs: [job('home')], gone: [recipe(String(payload))] }
      return { jobs: type === 'post.update' ? [job(String(payload), 0), job('home')] : [], gone: [] }
    },
    scheduled: () => (plans.scheduled ?? []).map(recipe),
  })
}

const queues = () => ({ high: new CapturedQueue(), low: new CapturedQueue() })
const eventOf = (type: string, payload: number, seq: number) => ({
  id: `e${seq}`,
  type,
  payload,
  seq,
  bookmark: `feed.${seq}`,
})
const NOW = 1_000_000

const jobsIn = (queue: CapturedQueue) =>
  queue.sent.map(parseWarmMessage).map((parsed) => ('job' in parsed ? parsed.job : parsed.problem))

describe('on startup', () => {
  it('brings what KV holds into memory, and loads nothing from D1', async () => {
    const world = new World()
    for (const id of ['1', '2', '3']) world.plant(id, id)
    for (const id of ['1', '2']) await world.isolate().cache.read(posts.at({ id }))
    await world.settle()
    const { isolate, cache } = world.isolate()
    world.queries()
    expect(await warmerOf({ startup: ['1', '2', '3'] }).warmOnStartup(isolate, world.io())).toBe(2)
    expect([isolate.memory.entries, world.queries()]).toEqual([2, 1])
    expect((await cache.read(posts.at({ id: '1' }))).source).toBe('memory')
  })

  it('has nothing to do without recipes, and throws for one that the table does not have', async () => {
    const world = new World()
    const { isolate } = world.isolate()
    expect(await warmerOf().warmOnStartup(isolate, world.io())).toBe(0)
    expect(world.queries()).toBe(0)
    const lost = new CacheWarmer(resources, {
      startup: [{ resource: 'page', params: {} }],
      forEvent: () => ({ jobs: [], gone: [] }),
      scheduled: () => [],
    })
    await expect(lost.warmOnStartup(isolate, world.io())).rejects.toThrow('unknown resource "page"')
  })
})

describe('after events', () => {
  it('sends one job a recipe, the most urgent first, with the newest place in the log that it must have seen', async () => {
    const lanes = queues()
    const events = [
      eventOf('post.update', 1, 4),
      eventOf('post.update', 2, 9),
      eventOf('post.update', 1, 7),
      eventOf('user.login', 3, 10),
    ]
    const asked = await warmerOf().warmOnEvents(events, lanes, NOW)
    expect(asked.map((jobs) => jobs.length)).toEqual([2, 2, 2, 0])
    const times = { deadline: NOW + 600_000, bornAt: NOW }
    expect(jobsIn(lanes.high)).toEqual([
      { ...job('1', 0), bookmark: 'feed.7', events: ['e4', 'e7'], ...times },
      { ...job('2', 0), bookmark: 'feed.9', events: ['e9'], ...times },
      { ...job('home'), bookmark: 'feed.9', events: ['e4', 'e7', 'e9'], ...times },
    ])
    expect(lanes.low.sent).toEqual([])
  })

  it('warms nothing that the newest event calls gone', async () => {
    const lanes = queues()
    const events = [eventOf('post.delete', 1, 8), eventOf('post.update', 1, 4), eventOf('post.update', 2, 9)]
    await warmerOf().warmOnEvents(events, lanes, NOW)
    expect(jobsIn(lanes.high)).toMatchObject([job('2', 0), { ...job('home'), bookmark: 'feed.9' }])
  })

  it('sends nothing where nothing follows', async () => {
    const lanes = queues()
    expect(await warmerOf().warmOnEvents([], lanes, NOW)).toEqual([])
    expect([lanes.high.sent, lanes.low.sent]).toEqual([[], []])
  })
})

describe('jobs', () => {
  it('go out in batches that the queue takes; many urgent ones overflow into the low lane', async () => {
    const batches: string[] = []
    const lane = (name: string) => {
      const queue = new CapturedQueue()
      queue.sendBatch = async (messages) => {
        batches.push(`${[...messages].length} ${name}`)
      }
      return queue
    }
    const jobs = [...Array.from({ length: 250 }, (_, i) => job(String(i))), job('7'), job('later', 9)]
    expect(await sendJobs(jobs, { high: lane('high'), low: lane('low') }, NOW)).toBe(251)
    expect(batches).toEqual(['50 high', '100 low', '100 low', '1 low'])
  })

  it('that a queue does not take are said not to be sent', async () => {
    const lanes = queues()
    lanes.high.fails = true
    await expect(sendJobs([job('1')], lanes, NOW)).rejects.toThrow('queue overloaded')
  })

  it('of the schedule are what the plans say', async () => {
    expect(await warmerOf({ scheduled: ['1'] }).planned()).toEqual([recipe('1')])
  })
})
