import { expect, it } from 'vitest'
import { World } from '../../test/world.ts'
import { Budget } from './budget.ts'

it('counts what an invocation spends in KV, one for any number of names read at once', async () => {
  const world = new World()
  const budget = new Budget(world.runtime, { kv: 4, d1: 10, ms: 1000 })
  const kv = budget.kv(world.kv)
  await kv.getWithMetadata('a', { type: 'text' })
  await kv.getWithMetadata(['a', 'b'], { type: 'text' })
  await kv.put('a', 'x', { expirationTtl: 60, metadata: {} })
  expect([budget.has({ kv: 1 }), budget.has({ kv: 2 })]).toEqual([true, false])
  expect(await kv.list({ prefix: 'a' })).toMatchObject({ keys: [{ name: 'a' }] })
  await kv.delete('a')
  expect([budget.has({ kv: 1 }), budget.has({ d1: 10 }), world.kv.entries.size]).toEqual([false, true, 0])
})

it('counts queries, however many come in one batch', async () => {
  const world = new World()
  const budget = new Budget(world.runtime, { kv: 4, d1: 3, ms: 1000 })
  const db = budget.d1(world.db)
  await db.batch([db.prepare('SELECT 1'), db.prepare('SELECT 2')])
  expect([budget.has({ d1: 1 }), budget.has({ d1: 2 })]).toEqual([true, false])
})

it('ends with the time, whatever is left', async () => {
  const world = new World()
  const budget = new Budget(world.runtime)
  expect(budget.has({ kv: 900, d1: 900 })).toBe(true)
  await world.runtime.advance(5 * 60_000)
  expect(budget.has({})).toBe(false)
})
