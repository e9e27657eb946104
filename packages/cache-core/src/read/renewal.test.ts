import { describe, expect, it } from 'vitest'
import { CONFIGS, policyOf, posts, World } from '../../test/world.ts'

const source = posts.at({ id: '1' })
/** One that is served for ten minutes past its hour. */
const GRACE = { ...CONFIGS, content: policyOf({ staleWhileRevalidateSeconds: 600 }) }

/** A post that was read so often, and the world at a part of its life. */
async function bench({ reads = 5, configs = CONFIGS }: { reads?: number; configs?: typeof CONFIGS } = {}) {
  const world = new World()
  world.plant('1', 'first')
  const { isolate, cache } = world.isolate({ configs })
  const read = (from = cache) => from.read(source)
  const { ttlMs: life } = await read()
  const began = world.runtime.now()
  for (let i = 0; i < reads; i++) await read()
  const at = async (share: number) => {
    await world.runtime.advance(Math.ceil(share * life) - (world.runtime.now() - began))
    await isolate.refresher.run(world.io())
    world.queries()
  }
  const loads = () => isolate.stats.of('content').loads
  return { world, isolate, cache, read, at, loads, life }
}

describe('a hot entry near its end', () => {
  it('is loaded anew behind an answer, so that nobody waits when it ends', async () => {
    const { world, read, at, loads, life } = await bench()
    await at(0.97)
    const served = await read()
    expect([served.outcome, served.source, loads()]).toEqual(['HIT', 'memory', 1])
    await world.settle()
    expect(loads()).toBe(2)
    await at(1.01)
    const next = await read()
    expect([next.outcome, next.ttlMs > 0.8 * life]).toEqual(['HIT', true])
  })

  it('is loaded once for all who read it', async () => {
    const { world, read, at, loads } = await bench()
    await at(0.97)
    await Promise.all(Array.from({ length: 20 }, () => read()))
    await world.settle()
    expect(loads()).toBe(2)
  })

  it('is left alone before, and where it is hardly read', async () => {
    const hot = await bench()
    await hot.at(0.89)
    await hot.read()
    await hot.world.settle()
    expect(hot.loads()).toBe(1)
    const cold = await bench({ reads: 0 })
    await cold.at(0.97)
    expect((await cold.read()).outcome).toBe('HIT')
    await cold.world.settle()
    expect(cold.loads()).toBe(1)
  })

  it('is taken from KV where another isolate has loaded it', async () => {
    const { world, read, at, loads, life } = await bench()
    const other = world.isolate()
    await read(other.cache)
    for (let i = 0; i < 5; i++) await read(other.cache)
    await at(0.97)
    await other.isolate.refresher.run(world.io())
    await read()
    await world.settle()
    await read(other.cache)
    await world.settle()
    expect([loads(), other.isolate.stats.of('content').loads]).toEqual([2, 0])
    expect((await read(other.cache)).ttlMs).toBeGreaterThan(0.8 * life)
  })

  it('is not asked of a D1 that fails', async () => {
    const { world, isolate, read, at, loads } = await bench()
    await at(0.97)
    for (let i = 0; i < 3; i++) isolate.sql.breaker.failed(world.runtime.now())
    expect((await read()).outcome).toBe('HIT')
    await world.settle()
    expect(loads()).toBe(1)
  })

  it('serves on when it could not be loaded', async () => {
    const { world, isolate, read, at } = await bench()
    await at(0.97)
    world.d1.before = () => {
      throw new Error('overloaded')
    }
    expect((await read()).outcome).toBe('HIT')
    await world.settle()
    expect((await read()).outcome).toBe('HIT')
    expect(isolate.renewals.size).toBeLessThan(2)
  })
})

describe('an entry past its life', () => {
  it('is served while it is loaded anew, where its policy allows that', async () => {
    const { world, read, at, loads } = await bench({ reads: 0, configs: GRACE })
    await at(1.05)
    const served = await read()
    expect([served.outcome, served.ttlMs, loads()]).toEqual(['HIT', 0, 1])
    await world.settle()
    const next = await read()
    expect([next.outcome, next.ttlMs > 0, loads()]).toEqual(['HIT', true, 2])
  })

  it('is served from KV as well', async () => {
    const { world, read, at } = await bench({ reads: 0, configs: GRACE })
    await at(1.05)
    const other = world.isolate({ configs: GRACE })
    const served = await read(other.cache)
    expect([served.outcome, served.source]).toEqual(['HIT', 'kv'])
    await world.settle()
    expect(other.isolate.stats.of('content').loads).toBe(1)
  })

  it('is not served when the log has something against it', async () => {
    const { world, read, at } = await bench({ configs: GRACE })
    world.writeElsewhere('1', 'second')
    await at(1.05)
    const answer = await read()
    expect([answer.outcome, answer.value()?.title]).toEqual(['MISS', 'second'])
  })

  it('is not served past that time, nor where the policy says nothing, nor to who cannot have it loaded', async () => {
    const late = await bench({ configs: GRACE })
    await late.at(1.2)
    expect((await late.read()).outcome).toBe('MISS')
    const plain = await bench({ configs: { ...CONFIGS, content: policyOf() } })
    await plain.at(1.01)
    expect((await plain.read()).outcome).toBe('MISS')
    const { cache, at } = await bench({ configs: GRACE })
    await at(1.05)
    expect(await cache.get('content:post:1')).toBeNull()
  })
})
