import { describe, expect, it } from 'vitest'
import { outcomes, TestMessage } from '../../test/messages.ts'
import { World } from '../../test/world.ts'
import { handleDeadLetters } from './dead-letters.ts'

const letters = (world: World) => world.d1.sqlite.prepare('SELECT * FROM dead_letters ORDER BY id').all()

describe('dead letters', () => {
  it('are kept where people find them, and acked', async () => {
    const world = new World()
    const messages = [new TestMessage('a', { v: 1 }, 4), new TestMessage('b', undefined, 1)]
    const { now } = world.runtime
    await handleDeadLetters('cache-dead', messages, { db: world.db, now })
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

  it('are not acked before they are kept', async () => {
    const world = new World()
    world.d1.before = () => {
      throw new Error('D1 down')
    }
    const messages = [new TestMessage('a', 1)]
    await expect(
      handleDeadLetters('cache-dead', messages, { db: world.db, now: world.runtime.now }),
    ).rejects.toThrow('D1 down')
    expect(outcomes(messages)).toEqual([null])
  })
})
