import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type LocalOptions, type LocalStack, startLocal, wrappedWorker } from '@freshet/dev'
import { afterAll, beforeAll, expect, it } from 'vitest'

const directory = resolve(import.meta.dirname, '..')

let stack: LocalStack
let logged: string[]

/** One Worker is both: it serves HTTP and consumes its own queues. */
const start = (more: LocalOptions = {}) =>
  startLocal({
    port: 0,
    cronSeconds: 0,
    consumer: false,
    directories: { api: directory, consumer: directory },
    onOutput: (line) => logged.push(line),
    ...more,
  })

beforeAll(async () => {
  logged = []
  stack = await start()
})
afterAll(() => stack.stop())

const note = (id: string, init?: RequestInit) => fetch(`${stack.urls[0]}/${encodeURIComponent(id)}`, init)

it('caches a note, shows a write at once, and "not found" before it', async () => {
  expect((await note('a')).status).toBe(404)
  const written = await note('a', { method: 'PUT', body: 'first' })
  expect(written.headers.get('Cache-Bookmark')).toMatch(/\.\d+$/)
  const miss = await note('a')
  expect([miss.headers.get('X-Cache-Status'), await miss.json()]).toEqual([
    'MISS',
    { id: 'a', text: 'first' },
  ])
  expect((await note('a')).headers.get('X-Cache-Source')).toBe('memory')
  await note('a', { method: 'PUT', body: 'second' })
  expect(await (await note('a')).json()).toEqual({ id: 'a', text: 'second' })
})

it('says that it is JSON, and sends nothing twice', async () => {
  await note('json', { method: 'PUT', body: 'first' })
  const first = await note('json')
  expect(first.headers.get('Content-Type')).toBe('application/json')
  const etag = first.headers.get('ETag') ?? ''
  const again = await note('json', { headers: { 'If-None-Match': etag } })
  expect([again.status, again.headers.get('ETag'), await again.text()]).toEqual([304, etag, ''])
  await note('json', { method: 'PUT', body: 'second' })
  expect((await note('json', { headers: { 'If-None-Match': etag } })).status).toBe(200)
})

it('answers "not found" in full, whatever the client has', async () => {
  const missing = await note('missing', { headers: { 'If-None-Match': '*' } })
  expect([missing.status, missing.headers.get('Content-Type')]).toEqual([404, 'application/json'])
})

it.each([
  ['half of an encoded character', '%E0%A4%A'],
  ['no id', ''],
  ['a longer id than there may be', 'x'.repeat(201)],
])('answers 400 to %s', async (_, path) => {
  for (const init of [{}, { method: 'PUT', body: 'text' }]) {
    const refused = await fetch(`${stack.urls[0]}/${path}`, init)
    expect([refused.status, await refused.json()]).toEqual([400, { error: expect.stringContaining('/ID') }])
  }
})

it('answers 413 to a note that D1 would not take', async () => {
  expect((await note('long', { method: 'PUT', body: 'x'.repeat(100_001) })).status).toBe(413)
})

it('answers 405 to methods that it does not have', async () => {
  const refused = await note('a', { method: 'DELETE' })
  expect([refused.status, refused.headers.get('Allow')]).toEqual([405, 'GET, HEAD, PUT'])
  expect((await note('a', { method: 'HEAD' })).status).toBe(200)
})

it('answers 503 to a bad setting, and names it', async () => {
  const bindings = { CACHE_ENABLED: 'yes' }
  const error = 'CACHE_ENABLED is "yes"; it may be "true" or "false"'
  expect(
    await firstAnswer((options) => ({ ...options, bindings: { ...options.bindings, ...bindings } })),
  ).toEqual([503, { error }])
})

it('answers 503 while the database fails, and keeps to itself why', async () => {
  const wrapper = `export const withoutDatabase = (worker) => ({
    fetch: (request, env, ctx) => {
      const batch = async () => { throw new Error('D1_ERROR: a secret') }
      return worker.fetch(request, { ...env, DB: { prepare: (sql) => env.DB.prepare(sql), batch } }, ctx)
    },
  })`
  const error = 'the database does not answer'
  expect(await firstAnswer((options) => wrappedWorker(options, 'withoutDatabase', wrapper))).toEqual([
    503,
    { error },
  ])
})

/** What a Worker that is changed so answers. */
async function firstAnswer(configure: NonNullable<LocalOptions['configure']>): Promise<[number, unknown]> {
  const changed = await start({ configure })
  try {
    const response = await fetch(`${changed.urls[0]}/a`)
    return [response.status, await response.json()]
  } finally {
    await changed.stop()
  }
}

it('lets no id be a pattern', async () => {
  await note('b', { method: 'PUT', body: 'kept' })
  await note('b')
  await note('*', { method: 'PUT', body: 'star' })
  expect((await note('b')).headers.get('X-Cache-Status')).toBe('HIT')
})

it('processes the events, and warms what was written', async () => {
  await expect
    .poll(() => logged.some((line) => line.includes('"step":"warm job"')), { timeout: 20_000 })
    .toBe(true)
  const [rows] = await stack.sql([{ sql: 'SELECT count(*) AS n FROM invalidation_log', params: [] }])
  expect(rows?.[0]?.n).toBe(6)
})

it.each([
  ['0001_invalidation_log.sql', '0001_invalidation_log.sql'],
  ['0003_pipeline.sql', '0002_pipeline.sql'],
  ['0004_statistics.sql', '0003_statistics.sql'],
  ['0005_verification.sql', '0004_verification.sql'],
])('has %s as the library ships it', (own, name) => {
  const shipped = resolve(directory, '../../packages/cache-core/migrations', name)
  expect(readFileSync(resolve(directory, 'migrations', own), 'utf8')).toBe(readFileSync(shipped, 'utf8'))
})

it("takes about 80 lines of its user's own code", () => {
  const lines = readFileSync(resolve(directory, 'src/index.ts'), 'utf8').split('\n')
  expect(lines.filter((line) => /\S/.test(line) && !/^\s*(\/\/|\/?\*)/.test(line)).length).toBeLessThan(85)
})
