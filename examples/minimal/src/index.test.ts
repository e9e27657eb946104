import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type LocalStack, startLocal } from '@freshet/dev'
import { afterAll, beforeAll, expect, it } from 'vitest'

const directory = resolve(import.meta.dirname, '..')

let stack: LocalStack
let logged: string[]

beforeAll(async () => {
  logged = []
  // One Worker is both: it serves HTTP and consumes its own queues.
  stack = await startLocal({
    port: 0,
    cronSeconds: 0,
    consumer: false,
    directories: { api: directory, consumer: directory },
    onOutput: (line) => logged.push(line),
  })
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
  expect(rows?.[0]?.n).toBe(4)
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

it("takes under 60 lines of its user's own code", () => {
  const lines = readFileSync(resolve(directory, 'src/index.ts'), 'utf8').split('\n')
  expect(lines.filter((line) => /\S/.test(line) && !/^\s*(\/\/|\/?\*)/.test(line)).length).toBeLessThan(60)
})
