import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { smallName, smallPattern } from '../../test/arbitraries.ts'
import { CONFIGS, posts, World } from '../../test/world.ts'
import { matches } from '../keys/pattern.ts'
import { Budget } from './budget.ts'
import type { SeqPattern } from './coalesce.ts'
import { sweep, sweepRanges } from './sweep.ts'

/** Puts entries into KV by their keys, as reads of an isolate leave them there. */
function hold(world: World, names: readonly string[], stamp: number, epoch = world.epoch): void {
  for (const name of names) {
    const metadata = { s: 1, e: epoch, st: stamp, up: stamp, x: 1e15, t: '"t"', f: true, c: 'c' }
    void world.kv.put(`${name}:v1.1.0`, 'x', { expirationTtl: 3600, metadata })
  }
}

const held = (world: World) => [...world.kv.entries.keys()].map((name) => name.replace(':v1.1.0', '')).sort()

async function sweepAll(world: World, patterns: SeqPattern[], kv = 1000) {
  let ranges = sweepRanges(patterns, {})
  let deleted = 0
  let messages = 0
  while (ranges.length > 0) {
    const budget = new Budget(world.runtime, { kv, d1: 0, ms: 1e9 })
    const result = await sweep(budget.kv(world.kv), ranges, world.epoch, budget)
    deleted += result.deleted
    ranges = result.rest
    messages++
  }
  return { deleted, messages }
}

describe('where to sweep', () => {
  it('is under the literal prefixes, merged', () => {
    const prefixes = (...patterns: string[]) =>
      sweepRanges(
        patterns.map((pattern) => [pattern, 1]),
        CONFIGS,
      ).map(({ prefix }) => prefix)
    expect(prefixes('content:item:4')).toEqual(['content:item:4:v'])
    expect(prefixes('content:item:*', 'content:item:4', 'content:slug:posts:a')).toEqual([
      'content:item:',
      'content:slug:posts:a:v',
    ])
    expect(prefixes('content:*:4', 'content:item:*')).toEqual(['content:'])
    expect(prefixes('*', 'content:item:4')).toEqual([''])
  })

  it('is nowhere for what KV never holds', () => {
    expect(sweepRanges([['session:token:1', 1]], CONFIGS)).toEqual([])
    expect(sweepRanges([['constructor:token:1', 1]], CONFIGS)).toHaveLength(1)
    expect(sweepRanges([['session', 1]], CONFIGS)).toEqual([])
  })
})

describe('a sweep', () => {
  it('takes what its patterns match and what is older, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(smallPattern, fc.integer({ min: 1, max: 9 })), { maxLength: 4 }),
        fc.uniqueArray(smallName, { maxLength: 12 }),
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 2, max: 9 }),
        async (patterns, names, stamp, kv) => {
          const world = new World()
          hold(world, names, stamp)
          await sweepAll(world, patterns as SeqPattern[], kv)
          const stay = names.filter(
            (name) => !patterns.some(([pattern, seq]) => stamp < seq && matches(pattern, name)),
          )
          expect(held(world)).toEqual([...stay].sort())
        },
      ),
      { numRuns: 60 },
    )
  })

  it('leaves alone what is no entry, and entries of another epoch', async () => {
    const world = new World()
    hold(world, ['content:item:1'], 1)
    hold(world, ['content:item:2'], 1, 'other')
    await world.kv.put('content:item:3:v1.1.0', 'theirs', { expirationTtl: 60, metadata: {} })
    expect(await sweepAll(world, [['content:*', 5]])).toEqual({ deleted: 1, messages: 1 })
    expect(held(world)).toEqual(['content:item:2', 'content:item:3'])
  })

  it('that comes late takes no fresh entry', async () => {
    const world = new World()
    world.plant('1', 'first')
    const seq = world.writeElsewhere('1', 'second')
    await world.isolate().cache.read(posts.at({ id: '1' }))
    await world.settle()
    expect(await sweepAll(world, [['content:post:1', seq]])).toMatchObject({ deleted: 0 })
    expect(await sweepAll(world, [['content:post:1', seq + 1]])).toMatchObject({ deleted: 1 })
  })

  it('of 2,500 entries goes on over several invocations', async () => {
    const world = new World()
    hold(
      world,
      Array.from({ length: 2500 }, (_, i) => `content:item:${String(i).padStart(4, '0')}`),
      1,
    )
    hold(world, ['content:items:1'], 1)
    expect(await sweepAll(world, [['content:item:*', 9]], 900)).toEqual({ deleted: 2500, messages: 3 })
    expect(held(world)).toEqual(['content:items:1'])
  })

  it('deletes four at a time', async () => {
    const world = new World()
    hold(world, ['a:1', 'a:2', 'a:3', 'a:4', 'a:5', 'a:6', 'a:7'], 1)
    let running = 0
    let most = 0
    world.kv.before = async (operation) => {
      if (operation !== 'delete') return
      most = Math.max(most, ++running)
      await world.settle()
      running--
    }
    await sweepAll(world, [['a:*', 5]])
    expect(most).toBe(4)
  })

  it('leaves a range that KV fails on where it is, and goes through the others', async () => {
    const world = new World()
    hold(world, ['a:1', 'a:2', 'b:1'], 1)
    world.kv.before = (operation, name) => {
      if (operation === 'delete' && name.startsWith('a:2')) throw new Error('KV DELETE failed: 429')
    }
    const ranges = sweepRanges(
      [
        ['a:*', 5],
        ['b:*', 5],
      ],
      {},
    )
    const budget = new Budget(world.runtime)
    const result = await sweep(world.kv, ranges, world.epoch, budget)
    expect(result).toMatchObject({
      deleted: 2,
      error: 'Error: KV DELETE failed: 429',
      rest: [{ prefix: 'a:' }],
    })
    world.kv.before = null
    expect(await sweep(world.kv, result.rest, world.epoch, budget)).toEqual({
      deleted: 1,
      rest: [],
      error: null,
    })
    expect(held(world)).toEqual([])
  })

  it('has no range for names that KV could not hold', () => {
    expect(sweepRanges([[`content:item:${'x'.repeat(600)}`, 1]], {})).toEqual([])
    expect(sweepRanges([[`content:item:${'é'.repeat(300)}`, 1]], {})).toEqual([])
  })
})
