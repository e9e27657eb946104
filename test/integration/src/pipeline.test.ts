import { eventMessage } from '@freshet/cache-core/pipeline'
import { seedPostId } from '@freshet/cms/seed'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, eventually, itemOf, startTestStack, type TestStack } from './support/stack.ts'

const Row = v.object({
  event_id: v.string(),
  type: v.string(),
  payload: v.string(),
  processed_at: v.nullable(v.number()),
  sends: v.number(),
})

describe('events on their way to the consumer', () => {
  let world: TestStack
  let editor: Api
  const said: string[] = []

  beforeAll(async () => {
    world = await startTestStack({ chaos: true, onOutput: (line) => said.push(line) })
    editor = await world.api.login('editor')
  })
  afterAll(() => world.stop())

  const log = async () =>
    v.parse(
      v.array(Row),
      (await world.stack.sql([{ sql: 'SELECT * FROM invalidation_log ORDER BY seq', params: [] }]))[0],
    )
  const open = async () => (await log()).filter((row) => row.processed_at === null)
  const put = (i: number, title: string) =>
    editor.request(`/api/content/${seedPostId(i)}`, { method: 'PUT', body: { title } })
  const allProcessed = () => eventually('every event is processed', async () => (await open()).length === 0)
  const producer = () => world.stack.miniflare.getQueueProducer('EVENTS', 'freshet-api-1')
  it('travel through the queue and are marked processed, and what readers will ask for is warm', async () => {
    const { version } = await itemOf(await put(1, 'Travels'))
    await allProcessed()
    const kv = await world.stack.miniflare.getKVNamespace('CACHE', 'freshet-api-1')
    await eventually('the first page of the lists is in KV', async () => {
      const { keys } = await kv.list({ prefix: 'api:list:' })
      return keys.length > 0
    })
    expect(version).toBe(2)
  })

  it('have one effect when a message comes ten times, and late ones in another order have none', async () => {
    await allProcessed()
    // Held back on their way, so that all ten copies of each meet a row that is not processed yet.
    await world.chaos(world.api, { events: 'overloaded' })
    await put(2, 'First')
    await put(3, 'Second')
    await world.chaos(world.api, { events: 'ok' })
    const messages = (await open()).map((row) =>
      eventMessage({ id: row.event_id, type: row.type, payload: JSON.parse(row.payload) }),
    )
    expect(messages).toHaveLength(2)
    const warmed = () =>
      said.filter((line) => line.includes('"step":"warm job"') && line.includes('"contentItem"')).length
    const before = warmed()
    const queue = await producer()
    for (let i = 0; i < 10; i++) await queue.sendBatch(messages.toReversed().map((body) => ({ body })))
    await allProcessed()
    await eventually('both items are warm', async () => warmed() === before + 2)
    const rows = await log()
    await queue.sendBatch(messages.map((body) => ({ body })))
    // One more event behind them in the queue: when it is processed, so are they.
    await put(4, 'Behind')
    await allProcessed()
    await eventually('the last one is warm', async () => warmed() >= before + 3)
    expect(warmed()).toBe(before + 3)
    expect((await log()).slice(0, rows.length)).toEqual(rows)
    for (const [i, title] of [
      [2, 'First'],
      [3, 'Second'],
    ] as const) {
      expect((await itemOf(await world.api.request(`/api/content/${seedPostId(i)}`))).title).toBe(title)
    }
  })

  it('are sent again by the relay when the send is lost', async () => {
    await world.chaos(world.api, { events: 'overloaded' })
    expect((await put(5, 'Lost on the way')).status).toBe(200)
    expect((await itemOf(await world.api.request(`/api/content/${seedPostId(5)}`))).title).toBe(
      'Lost on the way',
    )
    await world.chaos(world.api, { events: 'ok' })
    expect((await open()).length).toBe(1)
    await world.cron()
    expect((await open()).map((row) => row.sends)).toEqual([0]) // not before its 30 s
    await world.stack.sql([
      {
        sql: 'UPDATE invalidation_log SET created_at = created_at - 31000 WHERE processed_at IS NULL',
        params: [],
      },
    ])
    await world.cron()
    await allProcessed()
  })

  it('get their row in the log from the consumer when another Worker sends them', async () => {
    const payload = { key: 'site' }
    const queue = await producer()
    const message = eventMessage({ id: 'from-outside', type: 'config.update', payload })
    await queue.send(message)
    await queue.send(message)
    await eventually('it is logged once and processed', async () => {
      const rows = (await log()).filter((row) => row.event_id === 'from-outside')
      return rows.length === 1 && rows[0]?.processed_at !== null
    })
  })

  it('are put aside, not dropped, when nobody can read them', async () => {
    const queue = await producer()
    await queue.sendBatch([
      { body: { v: 99, what: 'ever' } },
      { body: 'text' },
      { body: eventMessage({ id: 'x', type: 'no.such.type', payload: {} }) },
    ])
    await put(6, 'Not held up by them')
    await allProcessed()
    await eventually('all three are among the dead letters', async () => {
      const [letters] = await world.stack.sql([{ sql: 'SELECT body, reason FROM dead_letters', params: [] }])
      return letters?.length === 3
    })
  })

  it('leave a snapshot and a pruned log behind, by cron', async () => {
    await allProcessed()
    const old = Date.now() - 5 * 3600_000
    await world.stack.sql([
      { sql: 'UPDATE invalidation_log SET created_at = ? WHERE seq <= 3', params: [old] },
    ])
    await world.cron()
    const [state] = v.parse(
      v.array(v.object({ pruned_to: v.number() })),
      (await world.stack.sql([{ sql: 'SELECT pruned_to FROM invalidation_state', params: [] }]))[0],
    )
    expect(state?.pruned_to).toBe(3)
    const [left] = await world.stack.sql([
      { sql: 'SELECT min(seq) AS oldest FROM invalidation_log', params: [] },
    ])
    expect(left?.[0]?.oldest).toBe(4)
    const kv = await world.stack.miniflare.getKVNamespace('CACHE', 'freshet-api-1')
    expect(await kv.get('freshet:fence:v3', 'json')).toMatchObject({
      schema: 1,
      floor: expect.any(Number),
      patterns: expect.any(Array),
    })
  })
})
