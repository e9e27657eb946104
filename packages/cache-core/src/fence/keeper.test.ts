import { describe, expect, it } from 'vitest'
import { World } from '../../test/world.ts'

async function warmed() {
  const world = new World()
  const { isolate } = world.isolate()
  await isolate.refresher.run(world.io())
  world.queries()
  const notice = (maxStalenessMs: number) => isolate.keeper.notice(maxStalenessMs, world.io())
  const age = () => isolate.runtime.now() - isolate.fence.asOf
  return { world, isolate, notice, age }
}

describe('the keeper', () => {
  it('starts when the fence is at 0.8 Δ, not before', async () => {
    const { world, notice } = await warmed()
    await world.runtime.advance(3999)
    notice(5000)
    await world.settle()
    expect(world.queries()).toBe(0)
    await world.runtime.advance(1)
    notice(5000)
    await world.settle()
    expect(world.queries()).toBe(1)
  })

  it('starts at Δ/2 where Δ is a second or less', async () => {
    const { world, notice } = await warmed()
    await world.runtime.advance(499)
    notice(1000)
    await world.settle()
    expect(world.queries()).toBe(0)
    await world.runtime.advance(1)
    notice(1000)
    await world.settle()
    expect(world.queries()).toBe(1)
  })

  it('keeps the fence fresh for 25 s, then leaves it alone', async () => {
    const { world, notice, age } = await warmed()
    await world.runtime.advance(4000)
    notice(5000)
    for (let second = 0; second < 25; second++) {
      await world.runtime.advance(1000)
      expect(age()).toBeLessThanOrEqual(4000)
    }
    world.queries()
    await world.runtime.advance(60_000)
    expect(world.queries()).toBe(0)
    expect(age()).toBeGreaterThan(60_000)
  })

  it('leaves a Δ of milliseconds to its reader: a limit of D1 is 1,000 queries an invocation', async () => {
    const { world, notice } = await warmed()
    await world.runtime.advance(4000)
    notice(2)
    await world.runtime.advance(25_000)
    expect(world.queries()).toBe(0)
  })

  it('is one, however many requests come', async () => {
    const { world, notice } = await warmed()
    await world.runtime.advance(4000)
    for (let i = 0; i < 50; i++) notice(5000)
    await world.runtime.advance(20_000)
    expect(world.queries()).toBeLessThanOrEqual(6)
  })

  it('has nothing to do for Δ 0', async () => {
    const { world, notice } = await warmed()
    await world.runtime.advance(60_000)
    notice(0)
    await world.settle()
    expect(world.queries()).toBe(0)
  })

  it('gives way to one with a smaller Δ, and does not run beside it', async () => {
    const { world, notice, age } = await warmed()
    await world.runtime.advance(4000)
    notice(5000)
    await world.runtime.advance(600)
    notice(1000)
    await world.runtime.advance(5000)
    expect(age()).toBeLessThanOrEqual(500)
    expect(world.queries()).toBeLessThanOrEqual(2 + 11)
  })

  it('is replaced when it died with its request', async () => {
    const { world, notice, age } = await warmed()
    await world.runtime.advance(4000)
    const { setTimeout } = world.runtime
    world.runtime.setTimeout = (callback, ms) => setTimeout(ms >= 100 ? () => {} : callback, ms)
    notice(5000)
    await world.settle()
    world.runtime.setTimeout = setTimeout
    await world.runtime.advance(5001)
    expect(age()).toBeGreaterThan(5000)
    notice(5000)
    await world.runtime.advance(1)
    expect(age()).toBeLessThanOrEqual(1)
  })

  it('is given two seconds for its first refresh; one that has none by then is replaced', async () => {
    const { world, notice } = await warmed()
    await world.runtime.advance(500)
    let asked = 0
    world.d1.before = () => {
      asked++
      return new Promise(() => {})
    }
    const seen: number[] = []
    for (let i = 0; i < 4; i++) {
      notice(1000)
      await world.runtime.advance(700)
      seen.push(asked)
    }
    expect(seen).toEqual([1, 1, 1, 2])
  })

  it('tries again after a failure, and leaves a D1 that keeps failing to the breaker', async () => {
    const { world, notice, isolate, age } = await warmed()
    await world.runtime.advance(4000)
    let failures = 1
    world.d1.before = () => {
      if (failures-- > 0) throw new Error('overloaded')
    }
    notice(5000)
    await world.runtime.advance(4000)
    expect(age()).toBeLessThanOrEqual(4000)
    failures = Number.POSITIVE_INFINITY
    await world.runtime.advance(25_000)
    expect(isolate.sql.breaker.isOpen).toBe(true)
    expect(isolate.getStats().d1.errors).toBe(1 + 3)
  })

  it('is done within the 30 s that waitUntil has, even when D1 fails it near the end', async () => {
    const world = new World()
    const { isolate } = world.isolate()
    await isolate.refresher.run(world.io())
    await world.runtime.advance(8000)
    let pending = 0
    isolate.keeper.notice(10_000, {
      ...world.io(),
      waitUntil: (kept) => {
        pending++
        const done = () => pending--
        kept.then(done, done)
      },
    })
    await world.runtime.advance(20_000)
    world.d1.before = () => {
      throw new Error('overloaded')
    }
    await world.runtime.advance(4_900)
    expect(pending).toBe(1)
    await world.runtime.advance(5_000)
    expect(pending).toBe(0)
  })
})
