import { createServer } from 'node:http'
import { seedPostId } from '@freshet/cms/seed'
import * as v from 'valibot'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { rewritten } from './support/rewritten.ts'
import { type Api, eventually, startTestStack, type TestStack } from './support/stack.ts'

const POST = `/api/content/${seedPostId(1)}`
const KEY = `content:item:${seedPostId(1)}`

/** The data of an answer of the operator's part. Tests look at single fields of it, and say which. */
async function dataOf(response: Response) {
  const body = await response.json()
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${JSON.stringify(body)}`)
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it is its check
  return v.parse(v.object({ success: v.literal(true), data: v.any() }), body).data as any
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('an operator', () => {
  let world: TestStack
  let api: Api
  let admin: Api
  let editor: Api

  beforeAll(async () => {
    // Whoever asks, the session lies in the same isolate.
    world = await startTestStack()
    api = world.api
    admin = await api.login('admin')
    editor = await api.login('editor')
  })
  afterAll(() => world.stop())

  const explain = async (key: string) =>
    dataOf(await admin.request(`/admin/cache/explain?key=${encodeURIComponent(key)}`))
  const write = (title: string) => editor.request(POST, { method: 'PUT', body: { title } })

  it('is told why a key is answered as it is, and which event invalidated it', async () => {
    await api.request(POST)
    await write('Explained')
    const told = await explain(KEY)
    expect(told).toMatchObject({
      scope: 'isolate',
      key: KEY,
      namespace: 'content',
      isServed: true,
      isCurrentVersion: true,
      recipe: { resource: 'contentItem' },
      // The write left its value behind.
      decision: { source: 'memory', steps: ['memory: valid'] },
      tiers: [{ tier: 'memory', isHeld: true, verdict: 'valid', label: 'published' }, { tier: 'kv' }],
    })
    expect(told.newest[0]).toMatchObject({
      name: KEY,
      is: 'key',
      pattern: KEY,
      isKnown: true,
      event: { type: 'content.update' },
    })
    expect(told.newest.slice(1).map(({ is }: { is: string }) => is)).toEqual(['tag', 'tag'])
    expect(told.newest[0].seq).toBe(told.tiers[0].stamp)
    expect(JSON.stringify(told)).not.toContain('Explained')
    for (const key of ['', 'nothing', 'content:*']) {
      const refused = await admin.request(`/admin/cache/explain?key=${encodeURIComponent(key)}`)
      expect([key, refused.status]).toEqual([key, 400])
    }
  })

  it('changes nothing by asking', async () => {
    const stats = async () => dataOf(await admin.request('/admin/cache/stats'))
    const before = await stats()
    for (let i = 0; i < 5; i++) await explain(KEY)
    await dataOf(
      await admin.request(`/admin/cache/browser/content/${encodeURIComponent(`item:${seedPostId(1)}`)}`),
    )
    const after = await stats()
    expect(after.namespaces.content).toEqual(before.namespaces.content)
    expect(after.kv).toEqual(before.kv)
  })

  it('has each read of a request explained with Cache-Debug, and nobody else has', async () => {
    const debug = { headers: { 'Cache-Debug': '1' } }
    const response = await admin.request(POST, debug)
    expect(response.headers.get('Cache-Control')).toBe('private, no-store')
    const line = response.headers.get('Cache-Explain') ?? ''
    expect(line.length).toBeLessThan(4_096)
    expect(JSON.parse(line)).toMatchObject({
      more: 0,
      reads: [
        {
          key: KEY,
          outcome: 'HIT',
          source: 'memory',
          tiers: [{ tier: 'memory', verdict: 'valid' }],
          newest: { name: KEY, event: { type: 'content.update' } },
        },
      ],
    })
    const missing = await admin.request('/api/content/nobody', debug)
    expect([missing.status, missing.headers.has('Cache-Explain')]).toEqual([404, true])
    for (const other of [api, editor]) {
      const plain = await other.request(POST, debug)
      expect(plain.headers.has('Cache-Explain')).toBe(false)
    }
    expect((await admin.request(POST)).headers.has('Cache-Explain')).toBe(false)
  })

  it('finds keys in memory and in KV, and looks at one with its value', async () => {
    const browse = async (query: string) => dataOf(await admin.request(`/admin/cache/browser?${query}`))
    for (let n = 1; n <= 3; n++) await api.request(`/api/content/${seedPostId(n)}`)
    const memory = await browse('namespace=content&prefix=item:&limit=2')
    expect(memory).toMatchObject({ tier: 'memory', scope: 'isolate', judgedBy: 'key and tags' })
    expect(memory.items.length).toBe(2)
    const rest = await browse(`namespace=content&prefix=item:&cursor=${encodeURIComponent(memory.next)}`)
    expect(memory.items.length + rest.items.length).toBe(memory.total)
    expect(rest.items[0]).toMatchObject({ namespace: 'content', isCurrent: true, verdict: 'valid' })
    await eventually('KV has them', async () => (await browse('tier=kv&namespace=content')).items.length >= 3)
    const kv = await browse('tier=kv&namespace=content&prefix=item:')
    expect(kv).toMatchObject({ tier: 'kv', judgedBy: 'key', total: null })
    const first = await browse('tier=kv&namespace=content&prefix=item:&limit=1')
    const next = await browse(
      `tier=kv&namespace=content&prefix=item:&limit=1&cursor=${encodeURIComponent(first.next)}`,
    )
    expect([first, next].map(({ items }) => items[0].name)).toEqual(
      kv.items.slice(0, 2).map(({ name }: { name: string }) => name),
    )
    const inKv = kv.items.find((one: { key: string; isCurrent: boolean }) => one.key === KEY && one.isCurrent)
    expect(inKv).toMatchObject({ verdict: 'valid', bytes: null, name: expect.stringContaining(KEY) })
    const one = await dataOf(
      await admin.request(`/admin/cache/browser/content/${encodeURIComponent(`item:${seedPostId(1)}`)}`),
    )
    expect(one.tiers).toMatchObject([
      { tier: 'memory', value: { isTruncated: false } },
      { tier: 'kv', value: { isTruncated: false } },
    ])
    expect(JSON.parse(one.tiers[0].value.text)).toMatchObject({ title: 'Explained' })
    for (const query of ['tier=d1', 'limit=0', 'limit=1001', 'unknown=1'])
      expect((await admin.request(`/admin/cache/browser?${query}`)).status).toBe(400)
  })

  it('looks at no private value', async () => {
    const { data } = v.parse(
      v.object({ data: v.looseObject({ id: v.string() }) }),
      await (await editor.request('/auth/me')).json(),
    )
    await editor.request(`/api/users/${data.id}`)
    const one = await dataOf(
      await admin.request(`/admin/cache/browser/user/${encodeURIComponent(`profile:${data.id}`)}`),
    )
    expect(one).toMatchObject({ isPrivate: true, tiers: [{ isHeld: true, value: null }, { value: null }] })
    expect(JSON.stringify(one)).not.toContain('editor@example.com')
  })

  it('has keys warmed, and gives no value', async () => {
    const warm = (namespace: string, body: unknown) =>
      admin.request(`/admin/cache/warm/${namespace}`, { method: 'POST', body })
    const key = `item:${seedPostId(30)}`
    const accepted = await warm('content', { keys: [key, `content:${key}`, 'item', 'nothing:1'] })
    expect(accepted.status).toBe(202)
    expect(await dataOf(accepted)).toEqual({
      warming: [`content:${key}`],
      unknown: [
        { key: 'content:item', reason: expect.any(String) },
        { key: 'content:nothing:1', reason: expect.any(String) },
      ],
    })
    await eventually('KV has it', async () => {
      const page = await dataOf(await admin.request(`/admin/cache/browser?tier=kv&prefix=content:${key}`))
      return page.items.length === 1
    })
    const drafts = 'list:posts:draft:limit=20&offset=0&sortBy=createdAt&sortDirection=desc'
    expect((await editor.request('/api/collections/posts/content?status=draft')).status).toBe(200)
    expect(await dataOf(await warm('api', { keys: [drafts] }))).toEqual({
      warming: [],
      unknown: [{ key: `api:${drafts}`, reason: 'not everybody may see what it shows: it is never warmed' }],
    })
    // Of a single draft only its load can tell.
    await world.stack.sql([
      {
        sql: `INSERT INTO content (id, collection_id, slug, title, status, data, created_at, updated_at)
          VALUES ('secret', 'posts', 'secret', 'Secret', 'draft', '{}', 0, 0)`,
        params: [],
      },
    ])
    const draft = 'content:item:secret'
    expect(await dataOf(await warm('content', { keys: [draft] }))).toMatchObject({ warming: [draft] })
    await eventually('the job is over', async () => {
      const { lastHour } = await dataOf(await admin.request('/admin/cache/warming'))
      return lastHour.lanes.high.outcomes['not public'] === 1
    })
    const kept = await dataOf(await admin.request(`/admin/cache/browser?tier=kv&prefix=${draft}`))
    expect(kept.items).toEqual([])
    for (const [namespace, body, status] of [
      ['content', { keys: [key], value: { title: 'x' } }, 400],
      ['content', { keys: [{ key, value: 1 }] }, 400],
      ['content', { keys: [] }, 400],
      ['user', { keys: ['profile:1'] }, 400],
      ['nothing', { keys: ['1'] }, 404],
    ] as const)
      expect([namespace, (await warm(namespace, body)).status]).toEqual([namespace, status])
    expect((await editor.request('/admin/cache/warm/content', { method: 'POST', body: {} })).status).toBe(403)
  })

  it('sees what verification found in its health, until it is understood', async () => {
    const health = async () => dataOf(await admin.request('/admin/cache/health'))
    expect(await health()).toMatchObject({ status: 'ok' })
    const violation = { detail: JSON.stringify({ made: 'up' }), at: Date.now() }
    await world.stack.sql([
      {
        sql: 'INSERT INTO cache_violations (at, detail) VALUES (?, ?)',
        params: [violation.at, violation.detail],
      },
    ])
    const { status, checks } = await health()
    expect(status).toBe('critical')
    expect(checks).toContainEqual(
      expect.objectContaining({
        name: 'verification',
        status: 'critical',
        value: 1,
        runbook: 'docs/operations.md#violations',
      }),
    )
    expect((await admin.request('/admin/cache/verification', { method: 'DELETE' })).status).toBe(200)
    expect(await health()).toMatchObject({ status: 'ok' })
    const told = await dataOf(await admin.request('/admin/cache/verification'))
    expect(told).toMatchObject({
      sample: 0.001,
      lastDay: { hits: { violations: 0 }, delayed: { violations: 0 } },
      violations: [],
      total: 0,
    })
  })
})

/** The fault of a fence that calls valid what the log has invalidated. */
const withFault = rewritten(
  'freshet-api',
  'if (this.#hit(this.#index, entry, entry.stamp)) return false;',
  '',
)

/** Verification looks at each hit that its pace allows; statistics come at once. */
const EAGER = { CACHE_VERIFY_SAMPLE: '1', CACHE_MAX_STALENESS_MS: '200' }

describe('online verification', () => {
  let world: TestStack
  afterEach(() => world.stop())

  /** Writes through one isolate and reads through the other. @returns how often was read, and what was found */
  async function traffic(rounds: number) {
    const [writing, reading] = world.apis
    if (writing === undefined || reading === undefined) throw new Error('two API Workers were asked for')
    const editor = await writing.login('editor')
    const admin = await reading.login('admin')
    const look = async () => dataOf(await admin.request('/admin/cache/verification'))
    let reads = 0
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < 4; i++) {
        await (await reading.request(POST)).arrayBuffer()
        reads++
        await pause(120)
      }
      const { isolate } = await look()
      if (isolate.violations > 0) break
      await editor.request(POST, { method: 'PUT', body: { title: `Round ${round}` } })
    }
    return { reads, found: await look() }
  }

  it('finds a fence that lets invalid values pass, within 1,000 reads, and says what it was', async () => {
    world = await startTestStack({ apiWorkers: 2, env: EAGER, configure: withFault })
    const { reads, found } = await traffic(100)
    expect(reads).toBeLessThan(1_000)
    expect(found.isolate.violations).toBeGreaterThan(0)
    await expect
      .poll(
        async () =>
          (await world.stack.sql([{ sql: 'SELECT * FROM cache_violations', params: [] }]))[0]?.length,
      )
      .toBeGreaterThan(0)
    const [violation] = (await traffic(1)).found.violations
    expect(violation).toMatchObject({
      kind: 'hit',
      key: KEY,
      cause: 'known row',
      source: 'memory',
      requestId: expect.any(String),
      row: { type: 'content.update', name: KEY, pattern: KEY },
    })
    expect(violation.row.seq).toBeLessThanOrEqual(violation.fence.head)
    expect(violation.served.text).not.toBe(violation.current.text)
  }, 120_000)

  it('finds nothing where the fence is as it should be', async () => {
    world = await startTestStack({ apiWorkers: 2, env: EAGER })
    const { found } = await traffic(15)
    expect(found.isolate.checks).toBeGreaterThan(5)
    expect(found.isolate.violations).toBe(0)
    expect(found.total).toBe(0)
  }, 60_000)
})

describe('delayed checks', () => {
  let world: TestStack
  afterEach(() => world.stop())

  it('find that what was written is what KV serves, and what somebody wrote past the log', async () => {
    const lines: Record<string, unknown>[] = []
    world = await startTestStack({
      env: { CACHE_VERIFY_SAMPLE: '1' },
      // Nobody waits two minutes; the messages, their delays and the queue are those of production.
      configure: rewritten('freshet-consumer', 'AFTER_SECONDS = [5, 60, 120]', 'AFTER_SECONDS = [2, 5, 8]'),
      onOutput: (line) => {
        if (line.startsWith('{')) lines.push(JSON.parse(line))
      },
    })
    const editor = await world.api.login('editor')
    const admin = await world.api.login('admin')
    const look = async () => dataOf(await admin.request('/admin/cache/verification'))
    const write = async (title: string) => {
      const response = await editor.request(POST, { method: 'PUT', body: { title } })
      const requestId = response.headers.get('X-Request-Id')
      const isWritten = (line: Record<string, unknown>) => line.requestId === requestId && 'event' in line
      await eventually('the write is logged', async () => lines.some(isWritten))
      return String(lines.find(isWritten)?.event)
    }
    const checksOf = (event: string) =>
      lines
        .filter(({ step, events }) => step === 'check' && Array.isArray(events) && events.includes(event))
        .map(({ afterSeconds, outcome }) => [afterSeconds, outcome])
    const warmed = (event: string) =>
      eventually('KV has it', async () =>
        lines.some(
          ({ step, events, recipe }) =>
            step === 'warm job' &&
            Array.isArray(events) &&
            events.includes(event) &&
            JSON.stringify(recipe).includes('contentItem'),
        ),
      )

    const right = await write('As the log has it')
    await eventually('all three checks are done', async () => checksOf(right).length === 3)
    expect(checksOf(right)).toEqual([
      [2, expect.stringMatching(/^(?:same|absent)$/)],
      [5, 'same'],
      [8, 'same'],
    ])
    const before = await look()
    expect(before.lastHour.delayed).toMatchObject({ violations: 0, younger: 0 })
    expect(before.lastHour.delayed.checks + before.lastHour.delayed.absent).toBe(3)
    expect(before.total).toBe(0)

    const wrong = await write('As KV has it')
    await warmed(wrong)
    await world.stack.sql([
      { sql: 'UPDATE content SET title = ? WHERE id = ?', params: ['Past the log', seedPostId(1)] },
    ])
    // For ten seconds an event of the change may still come.
    const isViolation = ([, outcome]: unknown[]) => outcome === 'violation'
    await eventually('a check has found it', async () => checksOf(wrong).some(isViolation), 40_000)
    const { lastHour, violations } = await look()
    expect(lastHour.delayed.violations).toBeGreaterThan(0)
    expect(lastHour.delayed.upperLimit).toBeGreaterThan(0)
    expect(violations[0]).toMatchObject({
      kind: 'delayed',
      key: KEY,
      source: 'kv',
      cause: 'no row',
      row: null,
      served: { text: expect.stringContaining('As KV has it') },
      current: { text: expect.stringContaining('Past the log') },
    })
    const { status } = await dataOf(await admin.request('/admin/cache/health'))
    expect(status).toBe('critical')
    const page = await admin.request('/admin/cache/ui/verification', { headers: { Accept: 'text/html' } })
    expect(await page.text()).toContain('The promise was broken.')
  }, 90_000)
})

describe('what is logged', () => {
  let world: TestStack
  afterEach(() => world.stop())

  it('leads from a request over its event to the warm jobs that followed', async () => {
    const lines: Record<string, unknown>[] = []
    world = await startTestStack({
      onOutput: (line) => {
        if (line.startsWith('{')) lines.push(JSON.parse(line))
      },
    })
    const editor = await world.api.login('editor')
    const response = await editor.request(POST, { method: 'PUT', body: { title: 'Followed' } })
    const requestId = response.headers.get('X-Request-Id') ?? ''
    expect(requestId).toMatch(/^[0-9a-f-]{16,36}$/)
    const find = async (what: (line: Record<string, unknown>) => boolean) => {
      await eventually('it is logged', async () => lines.some(what))
      return lines.find(what) ?? {}
    }
    const written = await find((line) => line.requestId === requestId && line.type === 'content.update')
    const event = String(written.event)
    const names = (line: Record<string, unknown>) => Array.isArray(line.events) && line.events.includes(event)
    const batch = await find((line) => line.step === 'events' && names(line))
    expect(batch).toMatchObject({ requests: { [event]: requestId }, source: 'cache-events' })
    const job = await find((line) => line.step === 'warm job' && names(line))
    expect(job).toMatchObject({ outcome: expect.any(String), source: expect.stringContaining('warm') })
    expect([batch.batch, job.batch]).toEqual([expect.any(String), expect.any(String)])
    const refused = await world.api.request('/api/content/nobody', { headers: { 'cf-ray': 'no ray' } })
    expect(refused.headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('alerts', () => {
  let world: TestStack
  afterEach(() => world.stop())

  it('call a webhook once when health becomes critical, and once when it recovers', async () => {
    const told: { status: string; text: string }[] = []
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (part) => {
        body += part
      })
      request.on('end', () => {
        told.push(JSON.parse(body))
        response.writeHead(204).end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('a server has a port')
    try {
      world = await startTestStack({
        configure: (options) => ({
          ...options,
          bindings: { ...options.bindings, ALERT_WEBHOOK_URL: `http://127.0.0.1:${address.port}/hook` },
        }),
      })
      await world.cron()
      await world.stack.sql([
        { sql: `INSERT INTO cache_violations (at, detail) VALUES (?, '{}')`, params: [Date.now()] },
      ])
      for (let minute = 0; minute < 3; minute++) await world.cron()
      await world.stack.sql([{ sql: 'DELETE FROM cache_violations', params: [] }])
      for (let minute = 0; minute < 2; minute++) await world.cron()
      expect(told.map(({ status }) => status)).toEqual(['critical', 'ok'])
      expect(told[0]?.text).toContain('verification')
    } finally {
      server.close()
    }
  })
})
