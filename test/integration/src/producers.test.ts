import { createHmac } from 'node:crypto'
import { sendEvents } from '@freshet/cache-core/pipeline'
import { seedPostId } from '@freshet/cms/seed'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LogRow } from './support/log-row.ts'
import { type Api, eventually, itemOf, startTestStack, type TestStack } from './support/stack.ts'

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const NEXT_SECRET = `whsec_${Buffer.alloc(32, 2).toString('base64')}`

const Answer = v.object({
  data: v.array(v.object({ id: v.string(), result: v.string(), reason: v.optional(v.string()) })),
})
const Letter = v.object({
  id: v.string(),
  queue: v.string(),
  body: v.pipe(v.string(), v.parseJson()),
  reason: v.string(),
  attempts: v.number(),
})

describe('producers', () => {
  let world: TestStack
  let api: Api
  let off: Api

  beforeAll(async () => {
    world = await startTestStack({
      chaos: true,
      apiWorkers: 2,
      apiVars: [{ EVENTS_SECRET: `${NEXT_SECRET} ${SECRET}` }, {}],
    })
    const [first, second] = world.apis
    if (first === undefined || second === undefined) throw new Error('two API Workers')
    api = first
    off = second
  })
  afterAll(() => world.stop())

  const rows = async <S extends v.GenericSchema>(schema: S, sql: string) =>
    v.parse(v.array(schema), (await world.stack.sql([{ sql, params: [] }]))[0])
  const log = () => rows(LogRow, 'SELECT * FROM invalidation_log ORDER BY seq')
  const letters = () => rows(Letter, 'SELECT * FROM dead_letters ORDER BY last_seen_at, id')

  function signed(body: unknown, { secret = SECRET, ageSeconds = 0, id = 'msg_1' } = {}) {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const timestamp = String(Math.floor(Date.now() / 1000) - ageSeconds)
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
    const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${text}`).digest('base64')
    const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${mac}` }
    return { method: 'POST', body: text, headers }
  }
  async function produce(body: unknown, options: Parameters<typeof signed>[1] = {}) {
    const response = await api.request('/events', signed(body, options))
    const answer: unknown = await response.json()
    expect([response.status, answer]).toEqual([202, answer])
    return { results: v.parse(Answer, answer).data, bookmark: response.headers.get('Cache-Bookmark') }
  }
  const config = (id: string, key = 'site') => ({ id, type: 'config.update', payload: { key } })
  const changed = (id: string, n: number) => ({
    id,
    type: 'content.update',
    payload: {
      id: seedPostId(n),
      collection: 'posts',
      slugs: [],
      statuses: ['published', 'any'],
      featuredStatuses: [],
    },
  })

  it('tell of a change past the API over HTTP, and read it back anywhere with the bookmark', async () => {
    const path = `/api/content/${seedPostId(1)}`
    for (const reader of [api, off]) await reader.request(path)
    await world.stack.sql([
      { sql: "UPDATE content SET title = 'Past the API' WHERE id = ?", params: [seedPostId(1)] },
    ])
    const { results, bookmark } = await produce(changed('outside-1', 1))
    expect(results).toEqual([{ id: 'outside-1', result: 'logged' }])
    const headers = { 'Cache-Bookmark': bookmark ?? '' }
    expect((await itemOf(await off.request(path, { headers }))).title).toBe('Past the API')
    expect((await itemOf(await api.request(path))).title).toBe('Past the API')
    expect((await log()).find((row) => row.event_id === 'outside-1')).toMatchObject({
      type: 'content.update',
      patterns: expect.arrayContaining([`content:item:${seedPostId(1)}`, 'api:list:posts:published:*']),
    })
    await eventually('the consumer has processed it', async () =>
      (await log()).every((row) => row.processed_at !== null),
    )
  })

  it('may send an event again: it is logged once, and the answer’s bookmark covers it', async () => {
    const first = await produce(config('again'))
    const second = await produce({ events: [config('again'), config('new'), config('new')] })
    expect([first.results, second.results]).toEqual([
      [{ id: 'again', result: 'logged' }],
      [
        { id: 'again', result: 'duplicate' },
        { id: 'new', result: 'logged' },
        { id: 'new', result: 'duplicate' },
      ],
    ])
    const third = await produce(config('again'))
    expect(third.results).toEqual([{ id: 'again', result: 'duplicate' }])
    expect(third.bookmark).toBe(second.bookmark)
    expect((await log()).filter((row) => ['again', 'new'].includes(row.event_id))).toHaveLength(2)
  })

  it('lose nothing that nobody can read: it is kept with the reason, the rest is logged', async () => {
    const odd = [
      { id: 'o1', type: 'no.such.type', payload: { a: 1 } },
      { id: 'o2', type: 'config.update', payload: { key: 7 } },
      { id: 'o3', v: 2, kind: 'of the future' },
      { id: 'o4', payload: {} },
    ]
    const { results } = await produce({ events: [odd[0], config('fits'), ...odd.slice(1)] })
    expect(results).toEqual([
      { id: 'o1', result: 'quarantined', reason: expect.stringContaining('unknown event type') },
      { id: 'fits', result: 'logged' },
      { id: 'o2', result: 'quarantined', reason: expect.stringContaining('bad payload of config.update') },
      { id: 'o3', result: 'quarantined', reason: expect.stringContaining('v: ') },
      { id: 'o4', result: 'quarantined', reason: expect.stringContaining('type: ') },
    ])
    // Sent again, it is the same letter; another body of the same id is another.
    await produce(odd[0])
    await produce({ ...odd[0], payload: { a: 2 } })
    const kept = (await letters()).filter(({ queue }) => queue === 'POST /events')
    expect(kept.map(({ body, attempts }) => [body, attempts])).toEqual(
      expect.arrayContaining([
        [{ v: 1, ...odd[0] }, 2],
        [{ v: 1, ...odd[0], payload: { a: 2 } }, 1],
        [{ v: 1, ...odd[1] }, 1],
        [{ payload: null, ...odd[2] }, 1],
        [{ v: 1, ...odd[3] }, 1],
      ]),
    )
    expect(kept).toHaveLength(5)
  })

  it('are let in by either secret, within five minutes', async () => {
    await produce(config('by-next'), { secret: NEXT_SECRET })
    await produce(config('late'), { ageSeconds: 290 })
  })

  it('are let in by nothing else, and nothing of theirs is looked at or kept', async () => {
    const before = [(await log()).length, (await letters()).length]
    const good = signed(config('intruder'))
    const attempts = [
      { ...good, headers: {} },
      { ...good, body: good.body.replace('site', 'menus') },
      { ...good, headers: { ...good.headers, 'webhook-id': 'msg_2' } },
      signed(config('intruder'), { ageSeconds: 310 }),
      signed(config('intruder'), { ageSeconds: -310 }),
      signed(config('intruder'), { secret: `whsec_${Buffer.alloc(32, 3).toString('base64')}` }),
      { ...signed('{"no'), headers: {} },
    ]
    for (const attempt of attempts) {
      const response = await api.request('/events', attempt)
      expect(response.status).toBe(401)
      expect(response.headers.get('Content-Type')).toBe('application/problem+json')
      expect(await response.json()).toMatchObject({ title: 'Unauthorized' })
    }
    // Nor by an administrator's session: here it is the secret that counts.
    const admin = await api.login('admin')
    const logins = (await log()).filter((row) => row.type === 'auth.login').length
    expect((await admin.request('/events', { method: 'POST', body: config('intruder') })).status).toBe(401)
    expect([(await log()).length - logins, (await letters()).length]).toEqual(before)
  })

  it.each([
    ['text that is no JSON', '{"no', {}, 400],
    ['another content type', JSON.stringify(config('x')), { 'Content-Type': 'text/plain' }, 415],
    ['no id', JSON.stringify({ type: 'a' }), {}, 422],
    ['a long id', JSON.stringify(config('x'.repeat(201))), {}, 422],
    ['no events', JSON.stringify({ events: [] }), {}, 422],
    ['too many', JSON.stringify({ events: Array.from({ length: 101 }, (_, i) => config(`m${i}`)) }), {}, 422],
    ['a list and more', JSON.stringify({ events: [config('m')], id: 'm' }), {}, 422],
    ['over a megabyte', JSON.stringify(config('x'.repeat(1_000_001))), {}, 413],
  ])('that sign %s are told so, and nothing is logged', async (_, body, headers, status) => {
    const before = (await log()).length
    const init = signed(body)
    const response = await api.request('/events', { ...init, headers: { ...init.headers, ...headers } })
    expect([response.status, (await log()).length]).toEqual([status, before])
  })

  it.each([
    [{ type: 'a' }, 'id: is required'],
    [[], 'body: must be an object, not an array'],
    [{ events: {} }, 'events: must be an array, not an object'],
    [{ events: [{ type: 'a' }] }, 'events.0.id: is required'],
  ])('are told in words what is wrong with %j', async (body, detail) => {
    const response = await api.request('/events', signed(body))
    expect([response.status, await response.json()]).toEqual([422, expect.objectContaining({ detail })])
  })

  it('are told in words what is wrong with a payload', async () => {
    const { results } = await produce({ id: 'typo', type: 'config.update', payload: { kee: 'site' } })
    expect(results).toEqual([
      {
        id: 'typo',
        result: 'quarantined',
        reason: 'bad payload of config.update: payload.key: is required; payload.kee: is not known here',
      },
    ])
  })

  it('are promised nothing that is not logged, and what is logged needs no queue', async () => {
    await world.chaos(api, { d1: 'down', events: 'overloaded' })
    const down = await api.request('/events', signed({ events: [config('kept'), { id: 'odd' }] }))
    expect([down.status, down.headers.get('Retry-After')]).toEqual([503, '5'])
    await world.chaos(api, { d1: 'ok' })
    const kept = async () => [
      (await log()).filter((row) => row.event_id === 'kept').length,
      (await letters()).filter(({ body }) => JSON.stringify(body).includes('odd')).length,
    ]
    expect(await kept()).toEqual([0, 0])
    await produce({ events: [config('kept'), { id: 'odd' }] })
    expect(await kept()).toEqual([1, 1])
    await world.chaos(api, { events: 'ok' })
  })

  it('are told where nobody listens', async () => {
    const response = await off.request('/events', signed(config('nobody')))
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining('EVENTS_SECRET') })
  })

  it('send through a queue from any Worker, more than a batch of it', async () => {
    const queue = await world.stack.miniflare.getQueueProducer('EVENTS', 'freshet-api-1')
    const events = Array.from({ length: 150 }, (_, i) => config(`queued-${i}`, 'menus'))
    expect(await sendEvents(queue, events)).toEqual(events.map(({ id }) => id))
    await eventually('all are logged and processed', async () => {
      const own = (await log()).filter((row) => row.event_id.startsWith('queued-'))
      return own.length === 150 && own.every((row) => row.processed_at !== null)
    })
  })
})
