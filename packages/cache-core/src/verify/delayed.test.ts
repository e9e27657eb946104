import { describe, expect, it } from 'vitest'
import { CONFIGS, posts, resources, World } from '../../test/world.ts'
import { Isolate, parseSettings, type Violation } from '../index.ts'
import { parsePipelineMessage } from '../pipeline/message.ts'
import { withoutMemory } from '../policy.ts'
import { askForChecks, checkServed } from './delayed.ts'
import { verified } from './violation.ts'

const recipe = { resource: 'post', params: { id: '1' } }

/** A queue that keeps delays as well. */
class DelayingQueue {
  readonly sent: { body: unknown; delaySeconds?: number }[] = []
  async send(): Promise<void> {}
  async sendBatch(messages: Iterable<{ body: unknown; delaySeconds?: number }>): Promise<void> {
    this.sent.push(...messages)
  }
}

describe('after events', () => {
  const followed = [
    { eventId: 'e1', recipe },
    { eventId: 'e2', recipe: { resource: 'post', params: { id: '2' } } },
  ]

  it('one of them is looked at again after 5, 60 and 120 s', async () => {
    const queue = new DelayingQueue()
    expect(await askForChecks(followed, 1, queue, { random: () => 0.9 })).toBe(3)
    expect(queue.sent.map(({ delaySeconds }) => delaySeconds)).toEqual([5, 60, 120])
    expect(parsePipelineMessage(queue.sent[1]?.body)).toEqual({
      kind: 'check',
      message: { v: 1, check: { ...followed[1], afterSeconds: 60 } },
    })
  })

  it('a share of the batches is', async () => {
    const queue = new DelayingQueue()
    for (const random of [0, 0.049, 0.05, 0.9])
      await askForChecks(followed, 0.001, queue, { random: () => random })
    expect(queue.sent.length).toBe(6)
    expect(await askForChecks([], 1, queue, { random: () => 0 })).toBe(0)
  })
})

describe('a check', () => {
  function consumer(world: World, env: Record<string, string> = {}) {
    const violations: Violation[] = []
    const isolate = new Isolate({
      configs: withoutMemory(CONFIGS),
      settings: parseSettings(env),
      runtime: world.runtime,
      keepsFresh: false,
      violated: (violation) => violations.push(violation),
    })
    const look = (of = recipe) =>
      checkServed({ recipe: of, eventId: 'e1', afterSeconds: 5 }, isolate, world.io(), resources)
    return { isolate, violations, look }
  }

  async function counted(world: World) {
    const { statements, decode } = verified(world.db, 1, world.runtime.now())
    return decode(await world.db.batch(statements))
  }

  async function written() {
    const world = new World()
    world.plant('1', 'first')
    await world.isolate().cache.read(posts.at({ id: '1' }))
    await world.settle()
    return world
  }

  it('finds what was written to be what is served', async () => {
    const world = await written()
    expect(await consumer(world).look()).toEqual({
      recipe,
      events: ['e1'],
      afterSeconds: 5,
      outcome: 'same',
    })
    expect(await counted(world)).toMatchObject({
      delayed: { checks: 1, violations: 0, younger: 0, absent: 0 },
    })
  })

  it('finds nothing where the key has moved on and nobody has read it since', async () => {
    const world = await written()
    world.writeElsewhere('1', 'second')
    expect(await consumer(world).look()).toMatchObject({ outcome: 'absent' })
    expect((await counted(world))?.delayed).toEqual({ checks: 0, violations: 0, younger: 0, absent: 1 })
  })

  it('is no violation where the write came in between', async () => {
    const world = await written()
    const { isolate, look } = consumer(world)
    await isolate.refresher.run(world.io())
    world.writeElsewhere('1', 'second')
    expect(await look()).toMatchObject({ outcome: 'younger' })
    expect((await counted(world))?.delayed).toEqual({ checks: 1, violations: 0, younger: 1, absent: 0 })
  })

  it('finds what was written past the log', async () => {
    const world = await written()
    world.plant('1', 'second')
    const { look, violations } = consumer(world)
    const looking = look()
    await world.runtime.advance(10_000)
    expect(await looking).toMatchObject({ outcome: 'violation' })
    expect(violations).toMatchObject([{ kind: 'delayed', cause: 'no row', source: 'kv' }])
    expect((await counted(world))?.delayed).toMatchObject({ checks: 1, violations: 1 })
    expect(world.d1.one('SELECT count(*) AS n FROM cache_violations')?.n).toBe(1)
  })

  it('tells of trouble, and is not made again', async () => {
    const world = await written()
    expect(await consumer(world).look({ resource: 'nothing', params: { id: '1' } })).toMatchObject({
      outcome: 'unknown',
      error: expect.stringContaining('unknown resource'),
    })
    expect(await consumer(world, { CACHE_ROLLOUT_PERCENT: '0' }).look()).toMatchObject({
      outcome: 'not served',
    })
    world.d1.before = () => Promise.reject(new Error('D1 down'))
    expect(await consumer(world).look()).toMatchObject({ outcome: 'unknown' })
  })

  it('says nothing of a log that was restored', async () => {
    const world = await written()
    const { isolate, look } = consumer(world)
    await isolate.refresher.run(world.io())
    world.plant('1', 'second')
    world.d1.exec("UPDATE invalidation_state SET epoch = 'e2'")
    expect(await look()).toMatchObject({ outcome: 'unknown' })
  })
})
