import { describe, expect, it } from 'vitest'
import { outcomes, TestMessage } from '../../test/messages.ts'
import { World } from '../../test/world.ts'
import { forgetLetters, handleDeadLetters } from './dead-letters.ts'
import { eventMessage } from './message.ts'
import { warmMessage } from './warm-job.ts'

const patternsOf = (type: string) => {
  if (type !== 'post.update') throw new Error('unknown event type')
  return ['content:post:1']
}
const reports: Record<string, unknown>[] = []
const report = (record: Record<string, unknown>) => reports.push(record)
const letters = (world: World) => world.d1.sqlite.prepare('SELECT * FROM dead_letters ORDER BY id').all()

describe('dead letters', () => {
  it('are kept where people find them, and acked', async () => {
    const world = new World()
    const messages = [new TestMessage('a', { v: 1 }, 4), new TestMessage('b', undefined, 1)]
    const { now } = world.runtime
    await handleDeadLetters('cache-dead', messages, { db: world.db, now, patternsOf, report })
    expect(letters(world)).toEqual([
      {
        id: 'a',
        queue: 'cache-dead',
        body: '{"v":1}',
        reason: 'retries used up',
        attempts: 4,
        first_seen_at: now(),
        last_seen_at: now(),
      },
      expect.objectContaining({ id: 'b', body: 'null' }),
    ])
    expect(outcomes(messages)).toEqual(['acked', 'acked'])
  })

  it('of outside producers’ events are none: their row in the log has the relay send them again', async () => {
    const world = new World()
    const { now } = world.runtime
    const messages = [
      new TestMessage('a', eventMessage({ id: 'e', type: 'post.update', payload: 1 }), 1),
      new TestMessage('b', eventMessage({ id: 'own', type: 'cache.clear', payload: { patterns: ['*'] } }), 1),
      new TestMessage('c', eventMessage({ id: 'odd', type: 'no.such', payload: 1 }), 1),
    ]
    await handleDeadLetters('cache-dead', messages, { db: world.db, now, patternsOf, report })
    expect(letters(world).map(({ id }) => id)).toEqual(['c'])
    expect(world.d1.one('SELECT event_id, patterns, processed_at FROM invalidation_log')).toEqual({
      event_id: 'e',
      patterns: '["content:post:1"]',
      processed_at: null,
    })
    expect(outcomes(messages)).toEqual(['acked', 'acked', 'acked'])
  })

  it('of a warm job that is sent again and again are one', async () => {
    const world = new World()
    const { now } = world.runtime
    const body = warmMessage({
      recipe: { resource: 'post', params: { id: '1' } },
      priority: 1,
      reason: 'test',
    })
    for (const id of ['a', 'b'])
      await handleDeadLetters('cache-dead', [new TestMessage(id, body)], {
        db: world.db,
        now,
        patternsOf,
        report,
      })
    expect(letters(world)).toMatchObject([{ attempts: 2 }])
  })

  it('are kept up to ten thousand, the newest', async () => {
    const world = new World()
    const insert = world.d1.sqlite.prepare(
      `INSERT INTO dead_letters SELECT 'l' || value, 'q', '1', 'r', 1, value, value FROM json_each(?)`,
    )
    insert.run(JSON.stringify(Array.from({ length: 10_003 }, (_, i) => i)))
    await world.db.batch([forgetLetters(world.db)])
    expect(world.d1.one('SELECT count(*) AS n, min(last_seen_at) AS oldest FROM dead_letters')).toEqual({
      n: 10_000,
      oldest: 3,
    })
  })

  it('that cannot be kept come again, ever later: nobody stands behind this queue', async () => {
    const world = new World()
    world.d1.before = () => {
      throw new Error('D1 down')
    }
    const messages = [1, 3, 60].map((attempts) => new TestMessage(`a${attempts}`, 1, attempts))
    await handleDeadLetters('cache-dead', messages, {
      db: world.db,
      now: world.runtime.now,
      patternsOf,
      report,
    })
    expect(reports.at(-1)).toEqual({ step: 'dead letters failed', error: 'Error: D1 down', received: 3 })
    expect(messages.map(({ outcome, delaySeconds }) => [outcome, delaySeconds])).toEqual([
      ['retried', 60],
      ['retried', 240],
      ['retried', 43_200],
    ])
  })
})
