import { expect, it } from 'vitest'
import { CapturedQueue, CONFIGS, resources, World } from '../../test/world.ts'
import { type ConsumerOptions, createConsumer } from './consumer.ts'
import { eventMessage, warmRecipesMessage } from './message.ts'
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

function consumerOf(
  world: World,
  warm: CapturedQueue,
  more: Pick<ConsumerOptions<object>, 'report' | 'callWebhook'> = {},
) {
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
    ...more,
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

it('looks again at what an event changed, and warms what an operator names', async () => {
  const world = new World()
  world.plant('1', 'first')
  const warm = new CapturedQueue()
  const reports: Record<string, unknown>[] = []
  const consumer = consumerOf(world, warm, { report: (record) => reports.push(record) })
  const env = { CACHE_VERIFY_SAMPLE: '1' }
  const consume = (body: unknown) =>
    consumer.queue({ queue: 'cache-events', messages: [message('m', body, [])] }, env, world.background)
  await consume(eventMessage({ id: 'e1', type: 'post.update', payload: {} }))
  expect(world.events.sent).toMatchObject([5, 60, 120].map((afterSeconds) => ({ check: { afterSeconds } })))
  await consume(world.events.sent[0])
  expect(reports).toContainEqual(
    expect.objectContaining({ step: 'check', source: 'cache-events', outcome: 'absent', events: ['e1'] }),
  )
  await consume(warmRecipesMessage([{ resource: 'post', params: { id: '2' } }]))
  expect(warm.sent).toMatchObject([
    { events: ['e1'] },
    { recipe: { params: { id: '2' } }, priority: 3, reason: 'operator' },
  ])
})

it('fails no batch where nothing can be looked at again', async () => {
  const world = new World()
  const reports: Record<string, unknown>[] = []
  const consumer = consumerOf(world, new CapturedQueue(), { report: (record) => reports.push(record) })
  const settled: string[] = []
  world.events.fails = true
  const event = eventMessage({ id: 'e1', type: 'post.update', payload: {} })
  const batch = { queue: 'cache-events', messages: [message('m1', event, settled)] }
  await consumer.queue(batch, { CACHE_VERIFY_SAMPLE: '1' }, world.background)
  expect(settled).toEqual(['ack m1'])
  expect(reports.map(({ step }) => step)).toContain('no checks')
})

it('tells the webhook of trouble, also where D1 is down and the run could not even begin', async () => {
  const world = new World()
  const told: string[] = []
  const reports: Record<string, unknown>[] = []
  const consumer = consumerOf(world, new CapturedQueue(), {
    report: (record) => reports.push(record),
    callWebhook: async (url, { body }) => {
      told.push(`${url} ${JSON.parse(body).status}`)
      return { ok: true, status: 200 }
    },
  })
  const env = { ALERT_WEBHOOK_URL: 'https://alerts.example.com/hook' }
  const minute = () => consumer.scheduled({ scheduledTime: 60_000 }, env, world.background)
  await minute()
  world.d1.before = () => Promise.reject(new Error('D1 down'))
  await expect(minute()).rejects.toThrow('D1 down')
  await expect(minute()).rejects.toThrow('D1 down')
  world.d1.before = null
  await minute()
  expect(told).toEqual(['https://alerts.example.com/hook critical', 'https://alerts.example.com/hook ok'])
  expect(reports.filter(({ step }) => step === 'alert').map(({ result }) => result)).toEqual([
    'nothing to tell',
    'told that it is critical',
    'still critical',
    'told that it is not critical any more',
  ])
  // The lines of one run belong together, and to no other's.
  expect(new Set(reports.map(({ batch }) => batch)).size).toBe(4)
})
