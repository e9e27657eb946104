import { describe, expect, it } from 'vitest'
import { CapturedQueue, posts, resources, World } from '../test/world.ts'
import { parseWarmMessage, type WarmJob } from './pipeline/warm-job.ts'
import { CacheWarmer } from './warmer.ts'

const recipe = (id: string) => ({ resource: 'post', params: { id } })
const job = (id: string, priority = 1): WarmJob => ({ recipe: recipe(id), priority, reason: 'test' })

function warmerOf(plans: { startup?: string[]; scheduled?: WarmJob[] } = {}) {
  return new CacheWarmer(resources, {
    startup: (plans.startup ?? []).map(recipe),
    forEvent: (type, payload) => (type === 'post.update' ? [job(String(payload), 0), job('home')] : []),
    scheduled: () => plans.scheduled ?? [],
  })
}

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
      forEvent: () => [],
      scheduled: () => [],
    })
    await expect(lost.warmOnStartup(isolate, world.io())).rejects.toThrow('unknown resource "page"')
  })
})

describe('after events', () => {
  it('sends one job a recipe, the most urgent first, with the newest place in the log that it must have seen', async () => {
    const queue = new CapturedQueue()
    const events = [
      { type: 'post.update', payload: 1, bookmark: 'feed.4' },
      { type: 'post.update', payload: 2, bookmark: 'feed.9' },
      { type: 'post.update', payload: 1, bookmark: 'feed.7' },
      { type: 'user.login', payload: 3, bookmark: 'feed.10' },
    ]
    expect(await warmerOf().warmOnEvents(events, queue)).toBe(3)
    expect(jobsIn(queue)).toEqual([
      { ...job('1', 0), bookmark: 'feed.7' },
      { ...job('2', 0), bookmark: 'feed.9' },
      { ...job('home'), bookmark: 'feed.9' },
    ])
  })

  it('sends nothing where nothing follows', async () => {
    const queue = new CapturedQueue()
    expect(await warmerOf().warmOnEvents([], queue)).toBe(0)
    expect(queue.sent).toEqual([])
  })
})

describe('on schedule', () => {
  it('sends the scheduled jobs in batches that the queue takes', async () => {
    const batches: number[] = []
    const queue = new CapturedQueue()
    queue.sendBatch = async (messages) => {
      batches.push([...messages].length)
    }
    const scheduled = [...Array.from({ length: 250 }, (_, i) => job(String(i))), job('7')]
    expect(await warmerOf({ scheduled }).scheduledWarm(queue)).toBe(250)
    expect(batches).toEqual([100, 100, 50])
  })

  it('says so when the queue does not take them', async () => {
    const queue = new CapturedQueue()
    queue.fails = true
    await expect(warmerOf({ scheduled: [job('1')] }).scheduledWarm(queue)).rejects.toThrow('queue overloaded')
  })
})
