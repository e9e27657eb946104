import { expect, it } from 'vitest'
import { posts, World } from '../../test/world.ts'
import { SNAPSHOT_NAME } from '../fence/snapshot.ts'
import { browseKv, browseMemory } from '../index.ts'

async function filled() {
  const world = new World()
  for (const id of ['1', '2', '3', '10']) world.plant(id, `post ${id}`)
  const made = world.isolate()
  for (const id of ['3', '1', '10', '2']) await made.cache.read(posts.at({ id }))
  await made.cache.read(posts.at({ id: 'nobody' }))
  await world.settle()
  return { world, ...made }
}

it('pages through memory in order, by prefix, without counting a read', async () => {
  const { isolate, world } = await filled()
  await world.runtime.advance(1_000)
  const before = isolate.memory.inspect('content:post:1')?.reads
  const first = browseMemory(isolate, { prefix: 'content:', limit: 3 })
  const second = browseMemory(isolate, { prefix: 'content:', limit: 3, cursor: first.next ?? '' })
  expect([first, second].map(({ items }) => items.map(({ key }) => key))).toEqual([
    ['content:post:10', 'content:post:1', 'content:post:2'],
    ['content:post:3', 'content:post:nobody'],
  ])
  expect([first.total, second.next]).toEqual([5, null])
  expect(second.items[1]).toMatchObject({ found: false, version: '1.1', isCurrent: true, ageMs: 1_000 })
  expect(first.items[1]).toMatchObject({
    text: 'content:post:1:v1.1',
    namespace: 'content',
    isPrivate: false,
    verdict: 'valid',
    stamp: 0,
    bytes: expect.any(Number),
    name: null,
  })
  expect(isolate.memory.inspect('content:post:1')?.reads).toBe(before)
  expect(browseMemory(isolate, { prefix: 'user:', limit: 3 })).toEqual({ items: [], next: null, total: 0 })
})

it('lists what no plain key could be as well', async () => {
  const { isolate, world, cache } = await filled()
  await cache.read(posts.at({ id: '' }))
  await world.settle()
  expect(browseMemory(isolate, { prefix: 'content:post:', limit: 9 }).items.map(({ key }) => key)).toContain(
    'content:post:',
  )
})

it('pages through KV and judges by what a listing tells', async () => {
  const { isolate, world, cache } = await filled()
  const seen: (string | null)[] = []
  let cursor: string | undefined
  do {
    const page = await browseKv(isolate, world.kv, { prefix: 'content:', limit: 3, cursor })
    seen.push(...page.items.map(({ key }) => key))
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  expect(seen.toSorted()).toEqual(['content:post:1', 'content:post:10', 'content:post:2', 'content:post:3'])
  await cache.invalidate('content:post:1')
  const { items } = await browseKv(isolate, world.kv, { prefix: 'content:post:1', limit: 10 })
  expect(
    items.map(({ key, verdict, isCurrent, generation }) => [key, verdict, isCurrent, generation]),
  ).toEqual([
    ['content:post:10', 'valid', true, 0],
    ['content:post:1', 'invalid by pattern', false, 0],
  ])
})

it('shows hashed names without a key, and leaves out what is no entry', async () => {
  const { isolate, world, cache } = await filled()
  const long = `content:post:${'x'.repeat(600)}`
  await cache.set(long, 'value')
  await world.settle()
  const metadata = [...world.kv.entries.values()][0]?.metadata as Record<string, unknown>
  for (const name of [SNAPSHOT_NAME, 'content:*:v1.1.0', 'content:half', ':x:v1.1.0'])
    await world.kv.put(name, 'x', { expirationTtl: 60, metadata })
  await world.kv.put('content:other:v1.1.0', 'x', { expirationTtl: 60, metadata: {} })
  const { items, total } = await browseKv(isolate, world.kv, { prefix: '', limit: 100 })
  expect(items.map(({ key }) => key).filter((key) => key === null)).toEqual([null])
  expect(items.find(({ key }) => key === null)).toMatchObject({
    namespace: 'content',
    text: null,
    version: null,
    isCurrent: false,
    generation: 1,
    verdict: 'valid',
  })
  expect([items.length, total]).toEqual([5, null])
})
