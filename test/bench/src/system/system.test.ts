import { describe, expect, it } from 'vitest'
import { costOf } from '../meter.ts'
import { loadWorkload } from '../workload.ts'
import { type Figures, figuresOf } from './figures.ts'
import { freshet } from './freshet.ts'
import { epochPerNamespace, noCache, scanNamespace, scanPrefix, ttlOnly } from './peers.ts'
import { type MakeSystem, requestsOf } from './site.ts'

const ISOLATES = 4
const REQUESTS = 6_000

async function run(make: MakeSystem, writeShare = 0.01): Promise<Figures> {
  // The hundred most popular keys: nearly all reads are of what was read before.
  const { keys } = await loadWorkload(null, REQUESTS)
  const few = keys.map((key) => key % 100)
  return figuresOf(make, 100, requestsOf(few, ISOLATES, writeShare), ISOLATES)
}

describe('the whole system, by its operations', () => {
  it('asks D1 for each key once and for what changed, KV once for each key and isolate', async () => {
    const { operations, late, requests } = await run(freshet)
    const writes = requestsOf(Array(REQUESTS).fill(0), ISOLATES, 0.01).filter(({ isWrite }) => isWrite).length
    expect(requests).toBe(REQUESTS)
    expect(late).toBe(0)
    // 100 cold keys, a write and a load or a warm job for each change, a fence that each isolate keeps fresh for a minute.
    expect(operations.d1Batches).toBeLessThan(100 + 8 * writes + 2 * 60 * ISOLATES)
    expect(operations.kvWrites).toBeLessThan(100 + 5 * writes)
    expect(operations.kvReads).toBeLessThan((100 + 5 * writes) * ISOLATES)
    expect(operations.kvLists + operations.kvDeletes).toBe(0)
  })

  it('costs less than the designs that also show changes', async () => {
    const ours = costOf((await run(freshet)).operations)
    for (const peer of [epochPerNamespace, scanNamespace])
      expect(costOf((await run(peer)).operations)).toBeGreaterThan(2 * ours)
  })
})

describe('the known designs', () => {
  it('serve what was read before, until something is written', async () => {
    for (const peer of [ttlOnly, scanPrefix, scanNamespace, epochPerNamespace]) {
      const { operations, stale } = await run(peer, 0)
      expect([operations.d1Batches, stale]).toEqual([100, 0])
      expect(operations.kvWrites).toBe(100)
    }
    const { operations, stale } = await run(noCache, 0)
    expect([operations.d1Batches, stale]).toEqual([REQUESTS, 0])
  })

  it('are stale where nobody tells them', async () => {
    expect((await run(noCache)).stale).toBe(0)
    expect((await run(ttlOnly)).stale).toBeGreaterThan((await run(scanPrefix)).stale)
    expect((await run(scanPrefix)).stale).toBeGreaterThan((await run(epochPerNamespace)).stale)
    expect((await run(scanPrefix)).late).toBeGreaterThan(0)
  })
})
