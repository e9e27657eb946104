import { describe, expect, it } from 'vitest'
import { posts, World } from '../../test/world.ts'
import { CacheService } from '../service.ts'

const IDS = Array.from({ length: 30 }, (_, i) => String(i))

/** Posts that KV has, and an isolate that has read another one. */
async function bench(env: Record<string, string> = {}) {
  const world = new World()
  for (const id of IDS) world.plant(id, `title ${id}`)
  const { cache: other } = world.isolate()
  for (const id of IDS) await other.read(posts.at({ id }))
  await world.settle()
  const { isolate, cache } = world.isolate({ env })
  await cache.read(posts.at({ id: 'nobody' }))
  world.kv.reads = 0
  world.queries()
  const readAll = async (from = cache) => {
    const results = await Promise.all(IDS.map((id) => from.read(posts.at({ id }))))
    return results.map((result) => [result.source, result.value()?.title])
  }
  return { world, isolate, cache, readAll }
}

describe('what a request reads at once', () => {
  it('is one operation of KV', async () => {
    const { world, isolate, readAll } = await bench()
    expect(await readAll()).toEqual(IDS.map((id) => ['kv', `title ${id}`]))
    expect([world.kv.reads, isolate.stats.kv.reads, world.queries()]).toEqual([1, 3, 0])
  })

  it('is asked for by itself where it is read after the other', async () => {
    const { world, cache } = await bench()
    for (const id of ['1', '2', '3']) await cache.read(posts.at({ id }))
    expect(world.kv.reads).toBe(3)
  })

  it('never waits for another request', async () => {
    const { world, isolate, cache, readAll } = await bench()
    const hanging = {
      ...world.io(),
      kv: { ...world.kv, getWithMetadata: () => new Promise<never>(() => {}) },
    }
    const dead = new CacheService(isolate, hanging as never)
    void readAll(dead).catch(() => {})
    expect((await readAll(cache)).every(([source]) => source === 'kv')).toBe(true)
  })

  it('is loaded where KV has none of it', async () => {
    const { world, readAll } = await bench()
    world.kv.entries.clear()
    expect(await readAll()).toEqual(IDS.map((id) => ['database', `title ${id}`]))
    expect(world.kv.reads).toBe(1)
  })

  it('is of one namespace: each has its own way with KV', async () => {
    const { world, cache } = await bench()
    await Promise.all([
      cache.read(posts.at({ id: '1' })),
      cache.read(posts.at({ id: '2' })),
      cache.getOrSet('user:profile:1', async () => 'x'),
      cache.getOrSet('user:profile:2', async () => 'y'),
    ])
    expect(world.kv.reads).toBe(2)
  })
})
