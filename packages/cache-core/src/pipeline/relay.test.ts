import { describe, expect, it } from 'vitest'
import { TestMessage } from '../../test/messages.ts'
import { CapturedQueue, CONFIGS, World } from '../../test/world.ts'
import { Budget } from './budget.ts'
import { handleEvents } from './events.ts'
import { parseEventMessage } from './message.ts'
import { relay } from './relay.ts'

const run = (world: World) => relay(world.db, world.events, world.runtime.now())

const idsIn = (queue: CapturedQueue) =>
  queue.sent
    .map(parseEventMessage)
    .map((parsed) => ('message' in parsed ? parsed.message.id : parsed.problem))

describe('the relay', () => {
  it('leaves an event half a minute for the message that its writer sent', async () => {
    const world = new World()
    world.logElsewhere(['a'])
    await world.runtime.advance(29_999)
    expect(await run(world)).toBe(0)
    await world.runtime.advance(1)
    expect(await run(world)).toBe(1)
    expect(world.events.sent.map(parseEventMessage)).toEqual([
      { kind: 'event', message: { v: 1, id: expect.any(String), type: 'post.update', payload: {} } },
    ])
  })

  it('sends it again after twice as long each time, up to an hour', async () => {
    const world = new World()
    world.logElsewhere(['a'])
    const waits: number[] = []
    let last = world.runtime.now()
    while (waits.length < 10) {
      await world.runtime.advance(30_000)
      if ((await run(world)) === 0) continue
      waits.push((world.runtime.now() - last) / 30_000)
      last = world.runtime.now()
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 120, 120, 120])
    expect(world.d1.one('SELECT sends FROM invalidation_log')?.sends).toBe(10)
  })

  it('leaves alone what is processed', async () => {
    const world = new World()
    world.logElsewhere(['a'])
    world.logElsewhere(['b'])
    world.d1.exec('UPDATE invalidation_log SET processed_at = 1 WHERE seq = 1')
    await world.runtime.advance(30_000)
    expect(await run(world)).toBe(1)
    expect(idsIn(world.events)).toEqual([
      world.d1.one('SELECT event_id FROM invalidation_log WHERE seq = 2')?.event_id,
    ])
  })

  it('sends 500 in one run, the oldest first, and the others in the next', async () => {
    const world = new World()
    world.logMany(1100)
    await world.runtime.advance(30_000)
    expect([await run(world), await run(world), await run(world), await run(world)]).toEqual([
      500, 500, 100, 0,
    ])
    const ids = world.d1.sqlite.prepare('SELECT event_id FROM invalidation_log ORDER BY seq').all()
    expect(idsIn(world.events)).toEqual(ids.map(({ event_id }) => event_id))
  })

  it('sends nothing while over 1,000 messages wait, whoever tells of them', async () => {
    const world = new World()
    world.logMany(1_600)
    await world.runtime.advance(30_000)
    world.events.metrics = async () => ({ backlogCount: 1_001 })
    expect(await run(world)).toBe(0)
    world.events.metrics = async () => ({ backlogCount: 1_000 })
    expect([await run(world), await run(world), await run(world)]).toEqual([500, 500, 500])
    // A queue that tells nothing: the log knows of 1,500 on their way.
    world.events.metrics = async () => ({ backlogCount: 0 })
    expect(await run(world)).toBe(0)
    world.d1.exec('UPDATE invalidation_log SET processed_at = 1 WHERE seq <= 500')
    expect(await run(world)).toBe(100)
  })

  it('sends again only what the queue did not take', async () => {
    const world = new World()
    world.logMany(250)
    await world.runtime.advance(30_000)
    const taking = new CapturedQueue()
    let batches = 0
    const { sendBatch } = taking
    taking.sendBatch = async (messages) => {
      if (++batches === 3) throw new Error('queue overloaded')
      await sendBatch.call(taking, messages)
    }
    await expect(relay(world.db, taking, world.runtime.now())).rejects.toThrow('queue overloaded')
    expect(taking.sent.length).toBe(200)
    expect(await run(world)).toBe(50)
  })

  it('is not held up by an event that no message could hold', async () => {
    const world = new World()
    world.logElsewhere(['a'])
    world.d1.sqlite
      .prepare('UPDATE invalidation_log SET payload = ?')
      .run(JSON.stringify('x'.repeat(200_000)))
    world.logElsewhere(['b'])
    await world.runtime.advance(30_000)
    expect(await run(world)).toBe(2)
    expect(world.events.sent.length).toBe(2)
  })

  it('notes nothing as sent when the queue takes nothing', async () => {
    const world = new World()
    world.logElsewhere(['a'])
    await world.runtime.advance(30_000)
    world.events.fails = true
    await expect(run(world)).rejects.toThrow('queue overloaded')
    expect(world.d1.one('SELECT sends, sent_at FROM invalidation_log')).toEqual({ sends: 0, sent_at: null })
  })

  it('brings an event whose message was lost to its end', async () => {
    const world = new World()
    world.plant('1', 'old')
    world.events.fails = true
    await world.isolate().cache.write([world.retitle('1', 'new')])
    await world.settle()
    world.events.fails = false
    await world.runtime.advance(30_000)
    await run(world)
    const warmed: unknown[] = []
    await handleEvents('cache-events', [new TestMessage('m', world.events.sent[0])], {
      db: world.db,
      kv: world.kv,
      queue: world.events,
      runtime: world.runtime,
      configs: CONFIGS,
      budget: new Budget(world.runtime),
      mustGo: () => [],
      replay: async () => '',
      warmAll: async () => 0,
      warmRecipes: async () => 0,
      check: async () => ({}),
      warm: async (events) => {
        warmed.push(...events)
        return events.map(() => ['a job'])
      },
      patternsOf: () => {
        throw new Error('the log has its patterns')
      },
      report: () => {},
    })
    expect(warmed).toMatchObject([{ type: 'post.update', payload: { id: '1' } }])
    await world.runtime.advance(3600_000)
    expect(await run(world)).toBe(0)
  })
})
