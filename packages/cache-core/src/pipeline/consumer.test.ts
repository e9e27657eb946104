import { expect, it } from 'vitest'
import { CapturedQueue, CONFIGS, resources, World } from '../../test/world.ts'
import { createConsumer } from './consumer.ts'
import { eventMessage } from './message.ts'
import type { QueueMessage } from './queue.ts'

/** A message that notes how it was settled. */
function message(id: string, body: unknown, settled: string[]): QueueMessage {
  return {
    id,
    body,
    attempts: 1,
    ack: () => settled.push(`ack ${id}`),
    retry: () => settled.push(`retry ${id}`),
  }
}

function consumerOf(world: World, warm: CapturedQueue) {
  const recipe = { resource: 'post', params: { id: '1' } }
  return createConsumer<Record<string, string>>({
    configs: CONFIGS,
    resources,
    patternsOf: () => ['content:post:1'],
    plans: (cache) => ({
      startup: [],
      forEvent: (type) => {
        if (type === 'post.odd') throw new Error('no such post')
        return { jobs: [{ recipe, priority: 1, reason: type }], gone: [] }
      },
      // Plans may read through the cache, which must not keep the run open.
      scheduled: async () => {
        await cache.read(resources.post.at({ id: '1' }))
        return [recipe]
      },
    }),
    bindings: () => ({ db: world.db, kv: world.kv, events: world.events, warm: { high: warm, low: warm } }),
    report: () => {},
  })
}

it('tells its queues apart by their names', async () => {
  const world = new World()
  world.plant('1', 'first')
  const warm = new CapturedQueue()
  const consumer = consumerOf(world, warm)
  const settled: string[] = []
  const event = eventMessage({ id: 'e1', type: 'post.update', payload: {} })
  await consumer.queue(
    { queue: 'cache-events', messages: [message('m1', event, settled)] },
    {},
    world.background,
  )
  expect(warm.sent).toHaveLength(1)
  await consumer.queue(
    { queue: 'cache-warm-high', messages: [message('m2', warm.sent[0], settled)] },
    {},
    world.background,
  )
  await consumer.queue(
    { queue: 'cache-dead-letters', messages: [message('m3', 'lost', settled)] },
    {},
    world.background,
  )
  expect(settled).toEqual(['ack m1', 'ack m2', 'ack m3'])
  expect(world.d1.one('SELECT count(*) AS n FROM dead_letters')?.n).toBe(1)
})

it('leaves nothing pending behind a batch or a cron run: a queue would wait for it', async () => {
  const world = new World()
  world.plant('1', 'first')
  const consumer = consumerOf(world, new CapturedQueue())
  const event = eventMessage({ id: 'e1', type: 'post.update', payload: {} })
  await consumer.queue({ queue: 'cache-events', messages: [message('m1', event, [])] }, {}, world.background)
  await consumer.scheduled({ scheduledTime: 0 }, {}, world.background)
  // No clock moves here, so whatever waits for time stays pending.
  const all = Promise.all(world.background.promises).then(() => 'settled')
  expect(await Promise.race([all, world.settle().then(() => 'pending')])).toBe('settled')
})

it('lets an event that the plans cannot read hold back no other', async () => {
  const world = new World()
  const warm = new CapturedQueue()
  const settled: string[] = []
  world.logElsewhere(['content:post:1'], 'post.odd')
  const odd = String(world.d1.one('SELECT event_id FROM invalidation_log')?.event_id)
  const messages = [
    message('m1', eventMessage({ id: odd, type: 'post.odd', payload: {} }), settled),
    message('m2', eventMessage({ id: 'e2', type: 'post.update', payload: {} }), settled),
  ]
  await consumerOf(world, warm).queue({ queue: 'cache-events', messages }, {}, world.background)
  expect(settled).toEqual(['ack m1', 'ack m2'])
  expect(warm.sent).toHaveLength(1)
  expect(world.d1.one('SELECT count(*) AS n FROM invalidation_log WHERE processed_at IS NULL')?.n).toBe(0)
})

it('keeps rows of the log for as long as an entry without a policy of its own may live', async () => {
  const world = new World()
  world.logElsewhere(['other:post:1'])
  world.logElsewhere(['other:post:2'])
  world.d1.exec('UPDATE invalidation_log SET processed_at = 1')
  world.d1.exec(`UPDATE invalidation_log SET created_at = ${Date.now() - 100 * 3600_000}`)
  const left = () => world.d1.one('SELECT count(*) AS n FROM invalidation_log')?.n
  const env = { CACHE_DEFAULT_TTL: String(100 * 3600) }
  await consumerOf(world, new CapturedQueue()).scheduled({ scheduledTime: 60_000 }, env, world.background)
  expect(left()).toBe(2)
  await consumerOf(world, new CapturedQueue()).scheduled({ scheduledTime: 60_000 }, {}, world.background)
  expect(left()).toBe(1)
})
