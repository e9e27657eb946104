import { expect, it } from 'vitest'
import { CapturedQueue, CONFIGS, posts, resources, World } from '../test/world.ts'
import {
  createConsumer,
  deadLetterPage,
  eventMessage,
  invalidationPage,
  type QueueMessage,
} from './pipeline/index.ts'
import { statsMessage } from './statistics/message.ts'

/** What a plan may go through whole: a JSON parameter, the rows that another part has just found, and an index in its order. */
const HARMLESS_SCAN =
  /^SCAN (\w+ VIRTUAL TABLE INDEX.*|CONSTANT ROW|\w+ USING (COVERING )?INDEX .*|[etw]|\(.*\))$/

/** Walks that end: along the log in its own order up to a limit, and the dead letters, of which only so many are kept. */
function isBounded(detail: string, sql: string): boolean {
  if (/^SCAN (invalidation_log|l)$/.test(detail))
    return /ORDER BY (l\.)?seq( DESC)? LIMIT/.test(sql.replace(/\s+/g, ' '))
  return detail === 'SCAN dead_letters'
}

const message = (id: string, body: unknown): QueueMessage => ({
  id,
  body,
  attempts: 1,
  ack: () => {},
  retry: () => {},
})

/** All that the library asks of D1 while it serves, writes, invalidates and keeps house. */
async function statementsOfADay(): Promise<string[]> {
  const world = new World()
  const { runtime, db, kv, events, background } = world
  for (const id of ['1', '2']) world.plant(id, id)
  const { cache, isolate } = world.isolate()
  world.d1.log.length = 0
  const warm = new CapturedQueue()
  const consumer = createConsumer<object>({
    configs: CONFIGS,
    resources,
    patternsOf: () => ['content:post:1'],
    mustGo: ({ patterns }) => patterns,
    plans: () => ({
      startup: [],
      forEvent: () => ({
        jobs: [{ recipe: { resource: 'post', params: { id: '1' } }, priority: 1, reason: 'x' }],
        gone: [],
      }),
      scheduled: () => [{ resource: 'post', params: { id: '2' } }],
    }),
    bindings: () => ({ db, kv, events, warm: { high: warm, low: warm } }),
    report: () => {},
    runtime,
  })
  await cache.read(posts.at({ id: '1' }))
  await cache.write([world.retitle('1', 'new')])
  await cache.invalidate('content:post:*', { hard: true })
  await isolate.refresher.run(world.io())
  const batch = (queue: string, ...bodies: unknown[]) =>
    consumer.queue({ queue, messages: bodies.map((body, i) => message(`m${i}`, body)) }, {}, background)
  const outside = eventMessage({ id: 'outside', type: 'post.update', payload: {} })
  await batch('cache-events', ...events.sent.splice(0), outside, 'poison')
  await batch('cache-warm-high', ...warm.sent.splice(0))
  const reads = [{ recipe: { resource: 'post', params: { id: '1' } }, reads: 50, costMs: 5 }]
  await batch(
    'cache-stats',
    statsMessage({ at: runtime.now(), reads, namespaces: { content: { memoryHits: 3 } } }),
  )
  await batch('cache-dead-letters', outside, 'poison')
  for (let hour = 0; hour < 24; hour++) {
    await runtime.advance(3_600_000)
    await consumer.scheduled({ scheduledTime: runtime.now() }, {}, background)
  }
  for (const query of [deadLetterPage(db, { limit: 10 }), invalidationPage(db, { limit: 10 })])
    await db.batch(query.statements)
  return [...new Set(world.d1.log)].filter((sql) => /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)/i.test(sql))
}

it('the library finds every row by an index', async () => {
  const statements = await statementsOfADay()
  expect(statements.length).toBeGreaterThan(25)
  const { d1 } = new World()
  const problems = statements.flatMap((sql) =>
    d1.sqlite
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map(({ detail }) => String(detail))
      .filter((detail) => /^SCAN /.test(detail) && !HARMLESS_SCAN.test(detail) && !isBounded(detail, sql))
      .map((detail) => `${detail}: ${sql.replace(/\s+/g, ' ').slice(0, 200)}`),
  )
  expect(problems).toEqual([])
})
