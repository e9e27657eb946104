import { expect, it } from 'vitest'
import { CapturedQueue, World } from '../../test/world.ts'
import { eventMessage, replayMessage } from './message.ts'
import { replay } from './replay.ts'
import { warmMessage } from './warm-job.ts'

async function bench(body: unknown) {
  const world = new World()
  world.d1.sqlite
    .prepare(`INSERT INTO dead_letters VALUES ('d1', 'cache-dead-letters', ?, 'why', 6, 1, 2)`)
    .run(JSON.stringify(body))
  const warm = { high: new CapturedQueue(), low: new CapturedQueue() }
  const run = () => replay('d1', { db: world.db, events: world.events, warm, now: () => 7 })
  const left = () => world.d1.one('SELECT count(*) AS n FROM dead_letters')?.n
  return { world, warm, run, left }
}

it('sends an event to the events, and a job to its lane', async () => {
  const event = eventMessage({ id: 'e', type: 'post.update', payload: 1 })
  const one = await bench(event)
  expect([await one.run(), one.world.events.sent, one.left()]).toEqual(['sent again', [event], 0])
  const job = (priority: number) =>
    warmMessage({
      recipe: { resource: 'post', params: { id: '1' } },
      priority,
      reason: 'test',
      deadline: 3,
      bornAt: 2,
    })
  const anew = (priority: number) => ({ ...job(priority), deadline: undefined, bornAt: 7 })
  const urgent = await bench(job(1))
  await urgent.run()
  expect([urgent.warm.high.sent, urgent.warm.low.sent]).toEqual([[anew(1)], []])
  const other = await bench(job(6))
  await other.run()
  expect([other.warm.high.sent, other.warm.low.sent]).toEqual([[], [anew(6)]])
})

it('leaves what no queue of the pipeline knows', async () => {
  const { run, left } = await bench({ nonsense: true })
  expect([await run(), left()]).toEqual(['no message of this pipeline: it stays', 1])
})

it('leaves what the consumer would take for a late copy of its own, and do nothing of', async () => {
  const { run, left, world } = await bench(
    eventMessage({ id: 'e', type: 'cache.clear', payload: { patterns: ['*'] } }),
  )
  expect([await run(), left(), world.events.sent]).toEqual(['no message of this pipeline: it stays', 1, []])
})

it('does nothing the second time', async () => {
  const { run, world } = await bench(replayMessage('another'))
  expect([await run(), await run(), world.events.sent.length]).toEqual([
    'sent again',
    'not there any more',
    1,
  ])
})

it('keeps the letter where the queue does not take it', async () => {
  const { world, run, left } = await bench(eventMessage({ id: 'e', type: 'post.update', payload: 1 }))
  world.events.fails = true
  await expect(run()).rejects.toThrow('queue overloaded')
  expect(left()).toBe(1)
})
