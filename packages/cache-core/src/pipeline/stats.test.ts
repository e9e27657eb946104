import { expect, it } from 'vitest'
import { outcomes, TestMessage } from '../../test/messages.ts'
import { CapturedQueue, CONFIGS, posts, World } from '../../test/world.ts'
import { flushIntervalMs, StatsFlusher } from '../statistics/flusher.ts'
import { parseStatsMessage, statsMessage } from '../statistics/message.ts'
import { popularRecipes } from './popularity.ts'
import { handleStats } from './stats.ts'

const recipe = (id: string) => ({ resource: 'post', params: { id } })

function bench() {
  const world = new World()
  const reports: Record<string, unknown>[] = []
  const handle = (messages: readonly TestMessage[]) =>
    handleStats(messages, { db: world.db, runtime: world.runtime, report: (record) => reports.push(record) })
  const top = () => popularRecipes(world.db, { share: 1, cap: 10 }, world.runtime.now())
  const sums = () =>
    Object.fromEntries(
      world.d1.sqlite
        .prepare('SELECT namespace, sums FROM statistics')
        .all()
        .map(({ namespace, sums }) => [String(namespace), JSON.parse(String(sums))]),
    )
  return { world, reports, handle, top, sums }
}

it('adds up what isolates tell of, and passes over what it cannot read', async () => {
  const { world, handle, top, sums } = bench()
  const of = (id: string, reads: number) =>
    statsMessage({
      at: world.runtime.now(),
      reads: [{ recipe: recipe(id), reads, costMs: 5 }],
      namespaces: { content: { kvHits: reads } },
    })
  const messages = [of('a', 3), of('b', 10), of('a', 4), { v: 9 }, null].map(
    (body, i) => new TestMessage(`m${i}`, body),
  )
  await handle(messages)
  expect(new Set(outcomes(messages))).toEqual(new Set(['acked']))
  expect((await top()).map((one) => [one.recipe.params.id, Math.round(one.score)])).toEqual([
    ['b', 10],
    ['a', 7],
  ])
  expect(sums()).toEqual({ content: { kvHits: 17 } })
})

it('is tried again where D1 fails', async () => {
  const { world, handle, reports } = bench()
  world.d1.before = () => {
    throw new Error('D1 down')
  }
  const message = new TestMessage('m', statsMessage({ at: 0, reads: [], namespaces: {} }))
  await handle([message])
  expect([message.outcome, reports]).toMatchObject(['retried', [{ step: 'stats failed', received: 1 }]])
})

it('is what isolates send: who was read how often, behind their answers', async () => {
  const { world, handle, top, sums } = bench()
  for (const id of ['1', '2']) world.plant(id, id)
  const { isolate, cache } = world.isolate()
  const flusher = new StatsFlusher(isolate)
  const queue = new CapturedQueue()
  const after = async () => {
    flusher.after(queue, world.background.waitUntil)
    await world.settle()
    return queue.sent.splice(0)
  }
  const readOften = async (id: string, times: number) => {
    for (let i = 0; i < times; i++) await cache.read(posts.at({ id }))
  }
  await readOften('1', 50)
  await readOften('2', 30)
  await cache.getOrSet('user:profile:7', async () => 'private')
  await cache.getOrSet('content:plain:7', async () => 'no recipe: nobody could warm it')
  expect(await after()).toEqual([])
  await world.runtime.advance(20_000)
  const sent = await after()
  expect(sent).toHaveLength(1)
  const stats = parseStatsMessage(sent[0])
  expect(
    stats?.reads.map((one) => [one.recipe, one.reads]).sort(([, a], [, b]) => Number(b) - Number(a)),
  ).toEqual([
    [recipe('1'), 50],
    [recipe('2'), 30],
  ])
  expect(stats?.namespaces).toMatchObject({
    content: { memoryHits: 78, misses: 3 },
    user: { misses: 1 },
    '*': { coveredMs: 20_000, messages: 1, refreshes: expect.any(Number) },
  })
  await handle([new TestMessage('m', sent[0])])
  expect(await top()).toHaveLength(2)
  expect(sums()).toMatchObject({ content: { memoryHits: 78, 'hitAge.0': 78 } })
  // Deltas: what was told is not told again, and an idle isolate says nothing.
  await world.runtime.advance(60_000)
  expect(await after()).toEqual([])
  await readOften('1', 40)
  await world.runtime.advance(60_000)
  const next = parseStatsMessage((await after())[0])
  expect(next?.reads).toEqual([{ recipe: recipe('1'), reads: 40, costMs: expect.any(Number) }])
  expect(next?.namespaces.content).toMatchObject({ memoryHits: 40 })
  expect(next?.namespaces.content).not.toHaveProperty('misses')
  expect(next?.namespaces).not.toHaveProperty('user')
})

it('tells of nobody’s private data', async () => {
  const { world } = bench()
  world.plant('1', 'first')
  const isolate = world.isolate({
    configs: { content: { ...CONFIGS.content, visibility: 'private' } as never },
  })
  const flusher = new StatsFlusher(isolate.isolate)
  const queue = new CapturedQueue()
  for (let i = 0; i < 100; i++) await isolate.cache.read(posts.at({ id: '1' }))
  await world.runtime.advance(60_000)
  flusher.after(queue, world.background.waitUntil)
  expect(parseStatsMessage(queue.sent[0])?.reads).toEqual([])
})

it('fits into one message, however much was read', async () => {
  const { world } = bench()
  const { isolate, cache } = world.isolate()
  const flusher = new StatsFlusher(isolate)
  const queue = new CapturedQueue()
  const ids = Array.from({ length: 250 }, (_, i) => `${i}-${'x'.repeat(i < 20 ? 500 : 10)}`)
  for (const id of ids) world.plant(id, id)
  for (let i = 0; i < 20; i++) for (const id of ids) await cache.read(posts.at({ id }))
  // Namespaces that nobody wrote a policy for, each with times of every length.
  for (let i = 0; i < 100; i++) {
    const counts = isolate.stats.of(`other-${i}`)
    for (let ms = 1; ms < 1e6; ms *= 1.1) {
      counts.memoryHit(false, ms)
      counts.loaded(ms, 1, 1)
      if (i === 0) counts.staleHit(ms)
    }
  }
  const { memoryHits } = isolate.stats.total()
  await world.runtime.advance(60_000)
  flusher.after(queue, world.background.waitUntil)
  expect(JSON.stringify(queue.sent[0]).length).toBeLessThan(64_000)
  const stats = parseStatsMessage(queue.sent[0])
  expect(stats?.reads.length).toBeGreaterThan(80)
  // Those who have the most to tell are told of by name, and nothing is left out.
  const namespaces = stats?.namespaces ?? {}
  expect(Object.keys(namespaces)).toEqual(expect.arrayContaining(['other-0', '(others)', '*']))
  expect(Object.values(namespaces).reduce((sum, one) => sum + (one.memoryHits ?? 0), 0)).toBe(memoryHits)
})

it('takes what isolates of an older version tell', async () => {
  const { handle, top, sums } = bench()
  const reads = [{ recipe: recipe('a'), reads: 2, costMs: 5 }]
  const counts = { 'reads.memoryHits': 5, 'reads.misses': 1, other: 9 }
  await handle([new TestMessage('m', { v: 1, reads, counts })])
  expect(await top()).toHaveLength(1)
  expect(sums()).toEqual({ '(others)': { memoryHits: 5, misses: 1 } })
})

it.each([
  ['a bucket that there is not', { content: { 'load.12345': 1 } }],
  ['less than nothing', { content: { memoryHits: -1 } }],
  ['no number', { content: { memoryHits: '1' } }],
])('passes over %s', (_, namespaces) => {
  expect(parseStatsMessage({ v: 2, at: 0, reads: [], namespaces })).toBe(null)
})

it('is sent less often the more is read', () => {
  expect([flushIntervalMs(0), flushIntervalMs(20), flushIntervalMs(1e6)]).toEqual([10_000, 20_000, 60_000])
})

it('is lost without harm where the queue fails', async () => {
  const { world } = bench()
  world.plant('1', 'first')
  const { isolate, cache } = world.isolate()
  const flusher = new StatsFlusher(isolate)
  const queue = new CapturedQueue()
  queue.fails = true
  await cache.read(posts.at({ id: '1' }))
  await world.runtime.advance(60_000)
  flusher.after(queue, world.background.waitUntil)
  await expect(Promise.all(world.background.promises)).resolves.toBeDefined()
})
