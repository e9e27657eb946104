import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as v from 'valibot'
import { expect, it, vi } from 'vitest'
import { posts, World } from '../../test/world.ts'
import { MemoryTier } from '../memory/memory-tier.ts'
import { Stats } from '../stats.ts'
import { newHistogram } from './histogram.ts'

const Measured = v.record(v.string(), v.number())

/** The same object, with each write to it or to an object in it noted by its path. */
function watched<T extends object>(target: T, path: string, writes: string[]): T {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(target, name)
      // Histograms note their writes themselves.
      if (value instanceof Float64Array) return value
      if (typeof value === 'function')
        return (...args: unknown[]) => {
          const result: unknown = Reflect.apply(value, target, args)
          return result !== null && typeof result === 'object' && !(result instanceof Float64Array)
            ? watched(result, `${path}.${String(name)}()`, writes)
            : result
        }
      return value !== null && typeof value === 'object'
        ? watched(value, `${path}.${String(name)}`, writes)
        : value
    },
    set(_, name, value) {
      writes.push(`${path}.${String(name)}`)
      return Reflect.set(target, name, value)
    },
  })
}

it.each([false, true])('a memory hit costs two counter writes (on a warmed entry: %s)', async (isWarmed) => {
  const world = new World()
  world.plant('1', 'first')
  // Which hit is to be verified is told by the same count.
  const { isolate, cache } = world.isolate({ env: { CACHE_VERIFY_SAMPLE: '0.0000001' } })
  const writes: string[] = []
  const make = () =>
    new Proxy(newHistogram(), {
      get(target, name) {
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
      set(target, name, value) {
        writes.push(`histogram.${String(name)}`)
        return Reflect.set(target, name, value)
      },
    })
  Object.defineProperty(isolate, 'stats', { value: watched(new Stats(make), 'stats', writes) })
  if (isWarmed) Object.defineProperty(isolate, 'isWarmer', { value: true })
  const real = MemoryTier.prototype.find
  vi.spyOn(MemoryTier.prototype, 'find').mockImplementation(function find(this: MemoryTier, key) {
    const slot = real.call(this, key)
    return slot && watched(slot, 'slot', writes)
  })
  await cache.read(posts.at({ id: '1' }))
  await world.settle()
  await world.runtime.advance(100)
  // The first hit notes up to where the entry was found valid.
  await cache.read(posts.at({ id: '1' }))
  expect(writes).toContain('slot.validAt')
  writes.length = 0
  expect((await cache.read(posts.at({ id: '1' }))).source).toBe('memory')
  vi.restoreAllMocks()
  expect(writes).toEqual(['slot.hits', expect.stringMatching(/^histogram\.\d+$/)])
  const { memoryHits, warmedHits } = isolate.stats.of('content').counts()
  expect({ memoryHits, warmedHits }).toEqual({ memoryHits: 2, warmedHits: isWarmed ? 2 : 0 })
})

it('a memory hit allocates nothing, nor does counting it, nor does it to know that it is no sample of verification', async () => {
  const program = fileURLToPath(new URL('../../test/memory-hit-bytes.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [program])
  const { object, hit, hits, sample, samples, peek, peeked } = v.parse(Measured, JSON.parse(stdout))
  // The measure finds what it looks for.
  expect(object).toBeGreaterThan(8)
  expect(hit).toBeLessThan(1)
  expect(hits).toBe(400_000)
  expect(peek).toBeLessThan(1)
  expect(peeked).toBe(400_000)
  expect(sample).toBeLessThan(1)
  expect(samples).toBeLessThan(3)
})
