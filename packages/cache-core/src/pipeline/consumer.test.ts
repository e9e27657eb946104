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
  return createConsumer<{ CACHE_KV_ENABLED?: string }>({
    configs: CONFIGS,
    resources,
    patternsOf: () => ['content:post:1'],
    plans: async (cache) => {
      // Plans may read through the cache, which must not keep the batch open.
      await cache.read(resources.post.at({ id: '1' }))
      const job = { recipe, priority: 1, reason: 'test' }
      return { startup: [], forEvent: () => [job], scheduled: [job] }
    },
    bindings: () => ({ db: world.db, kv: world.kv, events: world.events, warm }),
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
