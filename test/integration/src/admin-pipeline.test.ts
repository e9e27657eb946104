import { eventMessage } from '@freshet/cache-core/pipeline'
import { seedPostId } from '@freshet/cms/seed'
import * as v from 'valibot'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Api, eventually, startTestStack, type TestStack } from './support/stack.ts'

const Envelope = v.object({ success: v.literal(true), data: v.unknown(), timestamp: v.string() })
const Time = v.pipe(v.string(), v.isoTimestamp())
const Letter = v.looseObject({ id: v.string(), queue: v.string(), reason: v.string(), lastSeenAt: Time })
const Letters = v.object({ items: v.array(Letter), next: v.nullable(v.string()), total: v.number() })
const Ms = v.nullable(v.pipe(v.number(), v.minValue(0)))
const Invalidations = v.object({
  items: v.array(
    v.looseObject({
      seq: v.number(),
      type: v.string(),
      patterns: v.array(v.string()),
      payload: v.string(),
      createdAt: Time,
      processedAt: v.nullable(Time),
      swept: v.number(),
      warmJobs: v.number(),
      took: v.object({ delivery: Ms, sweep: Ms, processing: Ms }),
    }),
  ),
  next: v.nullable(v.string()),
})
const Health = v.object({
  scope: v.string(),
  status: v.string(),
  checks: v.pipe(
    v.array(
      v.looseObject({
        name: v.string(),
        status: v.string(),
        thresholds: v.record(v.string(), v.nullable(v.number())),
      }),
    ),
    v.transform((checks) => Object.fromEntries(checks.map((check) => [check.name, check]))),
  ),
  fence: v.unknown(),
  pipeline: v.record(v.string(), v.nullable(v.number())),
})

describe('the operator’s part of the pipeline', () => {
  let world: TestStack
  let admin: Api

  beforeAll(async () => {
    world = await startTestStack({ chaos: true })
    admin = await world.api.login('admin')
  })
  afterAll(() => world.stop())

  const sql = (text: string, params: unknown[] = []) => world.stack.sql([{ sql: text, params }])
  async function ask<S extends v.GenericSchema>(schema: S, path: string) {
    const response = await admin.request(`/admin/cache${path}`)
    const body: unknown = await response.json()
    expect([response.status, body]).toEqual([200, body])
    return v.parse(schema, v.parse(Envelope, body).data)
  }
  const processed = (type: string) =>
    eventually(`${type} is processed`, async () => {
      const [rows] = await sql('SELECT 1 FROM invalidation_log WHERE type = ? AND processed_at IS NULL', [
        type,
      ])
      return rows?.length === 0
    })
  const queue = () => world.stack.miniflare.getQueueProducer('EVENTS', 'freshet-api-1')

  describe('dead letters', () => {
    beforeEach(() => sql('DELETE FROM dead_letters'))
    const bury = (id: string, body: unknown, at = 1) =>
      sql(
        `INSERT INTO dead_letters (id, queue, body, reason, attempts, first_seen_at, last_seen_at)
        VALUES (?, 'cache-dead-letters', ?, 'retries used up', 6, ?, ?)`,
        [id, JSON.stringify(body), at, at],
      )

    it('are listed page by page, and one shown whole', async () => {
      for (const n of [1, 2, 3]) await bury(`l/${n}`, { n }, n)
      const first = await ask(Letters, '/dead-letters?limit=2')
      expect([first.items.map(({ id }) => id), first.total]).toEqual([['l/3', 'l/2'], 3])
      const rest = await ask(Letters, `/dead-letters?limit=2&cursor=${encodeURIComponent(first.next ?? '')}`)
      expect([rest.items.map(({ id }) => id), rest.next]).toEqual([['l/1'], null])
      const One = v.looseObject({ ...Letter.entries, body: v.unknown() })
      expect(await ask(One, `/dead-letters/${encodeURIComponent('l/2')}`)).toMatchObject({
        body: { n: 2 },
        attempts: 6,
      })
    })

    it('are those messages that nobody could read, too', async () => {
      await (await queue()).send({ v: 99, what: 'ever' })
      await eventually('it is listed', async () => (await ask(Letters, '/dead-letters')).total === 1)
      const { items } = await ask(Letters, '/dead-letters')
      expect(items[0]).toMatchObject({ queue: 'cache-events', excerpt: '{"v":99,"what":"ever"}' })
    })

    it('can be replayed: an event that was not known is logged, and its letter is gone', async () => {
      await bury('r1', eventMessage({ id: 'replayed-1', type: 'config.update', payload: { key: 'site' } }))
      const response = await admin.request('/admin/cache/dead-letters/r1/replay', { method: 'POST' })
      expect([response.status, await response.json()]).toEqual([
        202,
        { success: true, message: expect.any(String), timestamp: expect.any(String) },
      ])
      await eventually('the event is logged and processed', async () => {
        const [rows] = await sql('SELECT processed_at FROM invalidation_log WHERE event_id = ?', [
          'replayed-1',
        ])
        return rows?.length === 1 && rows[0]?.processed_at !== null
      })
      await eventually('the letter is gone', async () => (await ask(Letters, '/dead-letters')).total === 0)
    })

    it.each([
      ['that would change nothing', 'no message', 'Discard'],
      [
        'no queue would take them',
        eventMessage({ id: 'large', type: 'config.update', payload: 'x'.repeat(130_000) }),
        'larger',
      ],
    ])('are not replayed where %s', async (_, body, reason) => {
      await bury('r2', body)
      const response = await admin.request('/admin/cache/dead-letters/r2/replay', { method: 'POST' })
      expect([response.status, await response.json()]).toEqual([
        400,
        { success: false, error: expect.stringContaining(reason) },
      ])
      expect((await ask(Letters, '/dead-letters')).total).toBe(1)
    })

    it('stay while the queue takes nothing', async () => {
      await bury('r3', eventMessage({ id: 'replayed-3', type: 'config.update', payload: { key: 'site' } }))
      await world.chaos(world.api, { events: 'overloaded' })
      const response = await admin.request('/admin/cache/dead-letters/r3/replay', { method: 'POST' })
      await world.chaos(world.api, { events: 'ok' })
      expect([response.status, (await ask(Letters, '/dead-letters')).total]).toEqual([503, 1])
    })

    it('can be discarded, once', async () => {
      await bury('d1', {})
      const discard = () => admin.request('/admin/cache/dead-letters/d1', { method: 'DELETE' })
      expect([(await discard()).status, (await discard()).status]).toEqual([200, 404])
      for (const [path, method] of [
        ['d1', 'GET'],
        ['d1/replay', 'POST'],
      ] as const) {
        const response = await admin.request(`/admin/cache/dead-letters/${path}`, { method })
        expect([response.status, await response.json()]).toEqual([
          404,
          { success: false, error: 'There is no such dead letter.' },
        ])
      }
    })
  })

  it('the log says what was invalidated, why, and how long each step took', async () => {
    const title = { title: 'For the log' }
    expect(
      (await admin.request(`/api/content/${seedPostId(3)}`, { method: 'PUT', body: title })).status,
    ).toBe(200)
    await processed('content.update')
    const { items } = await ask(Invalidations, `/invalidations?type=content.update&limit=1`)
    expect(items[0]).toMatchObject({
      patterns: expect.arrayContaining([`content:item:${seedPostId(3)}`]),
      payload: expect.stringContaining(seedPostId(3)),
      processedAt: expect.any(String),
      took: { delivery: expect.any(Number), processing: expect.any(Number) },
    })
    expect(items[0]?.warmJobs).toBeGreaterThan(0)
    const byKey = await ask(
      Invalidations,
      `/invalidations?key=content:item:${seedPostId(3)}&type=content.update`,
    )
    expect(byKey.items.map(({ seq }) => seq)).toEqual([items[0]?.seq])
    expect(
      (await ask(Invalidations, '/invalidations?key=content:item:nobody&type=content.update')).items,
    ).toEqual([])
  })

  it('a clear and a hard invalidation leave nothing in KV, a soft one leaves it to its end', async () => {
    const kv = await world.stack.miniflare.getKVNamespace('CACHE', 'freshet-api-1')
    const path = `/api/content/${seedPostId(5)}`
    const prefix = `content:item:${seedPostId(5)}`
    const names = async () => (await kv.list({ prefix })).keys.length
    const cached = async () => {
      await admin.request(path)
      await eventually('it is in KV', async () => (await names()) > 0)
    }
    const post = (route: string, body?: unknown) =>
      admin.request(`/admin/cache${route}`, { method: 'POST', ...(body !== undefined && { body }) })

    await cached()
    expect((await post('/invalidate', { pattern: prefix })).status).toBe(200)
    await processed('cache.invalidate')
    expect(await names()).toBe(1)
    expect((await post('/invalidate', { pattern: 'item:*', namespace: 'content', hard: true })).status).toBe(
      200,
    )
    await eventually('the hard one has swept it', async () => (await names()) === 0)

    for (const route of ['/clear/content', '/clear']) {
      await cached()
      const response = await post(route)
      expect([response.status, response.headers.get('Cache-Bookmark')]).toEqual([200, expect.any(String)])
      await eventually(`${route} has swept it`, async () => (await names()) === 0)
    }
    const { items } = await ask(Invalidations, '/invalidations?type=cache.clear')
    expect(items.map(({ patterns, payload }) => [patterns, JSON.parse(payload)])).toEqual([
      [['*'], { patterns: ['*'], hard: true }],
      [['content:*'], { patterns: ['content:*'], hard: true }],
    ])
    expect((await post('/clear/nonsense')).status).toBe(404)
    expect((await post('/invalidate', { pattern: 'a', hard: 'yes' })).status).toBe(400)
  })

  it('health knows of dead letters and of events that wait too long', async () => {
    await sql('DELETE FROM dead_letters')
    await eventually('nothing waits', async () => (await ask(Health, '/health')).pipeline.unprocessed === 0)
    const well = await ask(Health, '/health')
    expect(well).toMatchObject({
      status: 'ok',
      checks: {
        deadLetters: { status: 'ok', thresholds: { warning: 0, critical: null } },
        oldestUnprocessed: { status: 'ok', thresholds: { warning: 300, critical: 1800 } },
        backlog: { thresholds: { warning: 1000, critical: null } },
      },
      pipeline: { deadLetters: 0, oldestUnprocessedSeconds: 0 },
    })
    await sql(`INSERT INTO dead_letters VALUES ('h', 'q', '{}', 'r', 1, 1, 1)`)
    expect(await ask(Health, '/health')).toMatchObject({
      status: 'warning',
      checks: { deadLetters: { status: 'warning', value: 1 } },
    })
    await sql('DELETE FROM dead_letters')
    const waiting = async (minutes: number) => {
      await sql('DELETE FROM invalidation_log WHERE event_id = ?', ['waits'])
      await sql(
        `INSERT INTO invalidation_log (event_id, type, payload, patterns, created_at) VALUES ('waits', 't', '{}', '[]', ?)`,
        [Date.now() - minutes * 60_000],
      )
      const { status, checks } = await ask(Health, '/health')
      return [status, checks.oldestUnprocessed?.status]
    }
    expect(await waiting(4)).toEqual(['ok', 'ok'])
    expect(await waiting(6)).toEqual(['warning', 'warning'])
    expect(await waiting(31)).toEqual(['critical', 'critical'])
    await sql('DELETE FROM invalidation_log WHERE event_id = ?', ['waits'])
    await world.chaos(world.api, { d1: 'down' })
    const down = await ask(Health, '/health')
    await world.chaos(world.api, { d1: 'ok' })
    expect([down.status, down.checks.d1?.status, down.checks.deadLetters?.status]).toEqual([
      'critical',
      'critical',
      'unknown',
    ])
  })

  it('warming shows what was warmed, what for, and what is popular', async () => {
    const minute = Math.floor(Date.now() / 60_000)
    const counts = {
      'warm.high.loaded': 4,
      'warm.high.done': 4,
      'warm.high.wait_ms': 200,
    }
    await sql('DELETE FROM pipeline_counts')
    await sql('DELETE FROM popularity')
    for (const [name, value] of Object.entries(counts))
      await sql('INSERT INTO pipeline_counts VALUES (?, ?, ?)', [minute - 120, name, value])
    for (const [ago, name, value] of [
      [1, 'warm.low.made up', 3],
      [6, 'warm.low.made up', 5],
      [9, 'backlog.low', 12],
      // Whatever jobs of other tests are still under way note, this is newer.
      [-1, 'backlog.low', 4],
    ] as const)
      await sql('INSERT INTO pipeline_counts VALUES (?, ?, ?)', [minute - ago, name, value])
    await sql('DELETE FROM statistics')
    await sql(`INSERT INTO statistics VALUES (60, ?, 'content', '{"kvHits":8,"warmedHits":2}')`, [
      (minute - 120) * 60,
    ])
    const rank = (score: number) => Math.log2(score) + Date.now() / (12 * 3_600_000)
    for (const [recipe, score] of [
      [{ resource: 'contentItem', params: { id: 'p1' } }, 64],
      [{ resource: 'contentItem', params: { id: 'p2' } }, 128],
      [{ resource: 'was.once', params: {} }, 32],
    ] as const)
      await sql('INSERT INTO popularity VALUES (?, ?, 7, 1)', [JSON.stringify(recipe), rank(score)])
    const Summary = v.object({
      lanes: v.record(v.string(), v.unknown()),
      hits: v.unknown(),
    })
    const Popular = v.object({
      key: v.nullable(v.string()),
      recipe: v.unknown(),
      score: v.number(),
      costMs: v.number(),
    })
    const Warming = v.object({
      lastHour: Summary,
      lastDay: Summary,
      popular: v.array(Popular),
      backlogs: v.unknown(),
      lastFiveMinutes: v.unknown(),
      laneBacklogs: v.unknown(),
    })
    const warming = await ask(Warming, '/warming')
    expect(warming.lastFiveMinutes).toMatchObject({ low: { outcomes: { 'made up': 3 } } })
    expect(warming.laneBacklogs).toMatchObject({
      low: { waiting: 4, at: new Date((minute + 1) * 60_000).toISOString() },
    })
    expect(warming).toMatchObject({
      lastHour: { hits: { total: 0, onWarmed: 0, share: null } },
      lastDay: {
        lanes: {
          high: { outcomes: { loaded: 4 }, meanWaitMs: 50 },
          low: { outcomes: { 'made up': 8 } },
        },
        hits: { total: 8, onWarmed: 2, share: 0.25 },
      },
      popular: [{ key: 'content:item:p2' }, { key: 'content:item:p1' }, { key: null }],
    })
    expect(warming.popular.map(({ score }) => Math.round(score))).toEqual([128, 64, 32])
  })

  it.each([
    ['GET', '/dead-letters'],
    ['GET', '/dead-letters/x'],
    ['POST', '/dead-letters/x/replay'],
    ['DELETE', '/dead-letters/x'],
    ['GET', '/invalidations'],
    ['GET', '/warming'],
    ['GET', '/health'],
    ['POST', '/clear'],
    ['POST', '/clear/content'],
  ])('%s %s is for administrators', async (method, path) => {
    const editor = await world.api.login('editor')
    for (const [who, status] of [
      [world.api, 401],
      [editor, 403],
    ] as const) {
      const response = await who.request(`/admin/cache${path}`, { method })
      expect([response.status, await response.json()]).toEqual([
        status,
        { success: false, error: expect.any(String) },
      ])
    }
  })

  it.each([
    ['/dead-letters?limit=101', 'limit: must be a whole number from 1 to 100'],
    ['/invalidations?limit=0', 'limit: must be'],
    ['/invalidations?what=ever', 'what: is not known here; known are: limit, cursor, type, key'],
    ['/invalidations?cursor=zzz', 'cursor: must be what "next" of the page before is'],
    ['/dead-letters?cursor=zzz', 'cursor: must be'],
    ['/browser?cursor=zzz', 'cursor: must be'],
    ['/browser?prefix=content:&cursor=media:item:1:v1.1', 'cursor: must be'],
    ['/browser?tier=kv&cursor=zzz', 'cursor: must be'],
    ['/invalidations?key=foo', '"foo" is no key'],
    ['/invalidations?key=content:item:*', '"content:item:*" is no key'],
  ])('%s is a 400 that says %s', async (path, words) => {
    const response = await admin.request(`/admin/cache${path}`)
    expect([response.status, await response.json()]).toEqual([
      400,
      { success: false, error: expect.stringContaining(words) },
    ])
  })
})
