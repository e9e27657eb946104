import type { FenceLimits } from '@freshet/cache-core'
import { zipfSequence } from '@freshet/dev/zipf'
import { describe, expect, it } from 'vitest'
import { seeded } from '../random.ts'
import { figuresOf, REQUESTS_PER_SECOND } from '../system/figures.ts'
import { freshetWith } from '../system/freshet.ts'
import { requestsOf } from '../system/site.ts'
import { billOf, MESSAGES_A_WRITE, ROUND_TRIPS_A_WRITE, ROWS_A_WRITE } from './bill.ts'
import { runScale } from './run.ts'
import { countOperations, type Scale } from './world.ts'

const SITE: Scale = {
  requestsPerSecond: REQUESTS_PER_SECOND,
  // One isolate each: the library's own run has a KV that caches no "not found".
  locations: 4,
  isolatesPerLocation: 1,
  keys: 1_000,
  exponent: 0.9,
  writesPerSecond: 1,
  deltaSeconds: 5,
  sessionShare: 0,
  ttlSeconds: 3_600,
  memoryEntries: 10_000,
  namesPerChange: 1,
  tagsPerEntry: 0,
  fencePatterns: 10_000,
  foldedPlaces: 2 ** 18,
  locationTier: false,
  warmUpSeconds: 0,
  seconds: 120,
}

/** The library itself over the same requests, from a cold start as well. */
function real(writeShare = SITE.writesPerSecond / SITE.requestsPerSecond, fence: FenceLimits = {}) {
  const keys = zipfSequence({
    keys: SITE.keys,
    count: SITE.seconds * SITE.requestsPerSecond,
    exponent: SITE.exponent,
    random: seeded(4),
  })
  return figuresOf(
    freshetWith(fence),
    SITE.keys,
    requestsOf(keys, SITE.locations, writeShare),
    SITE.locations,
  )
}

describe('the counted model', () => {
  it('counts what the library itself does', async () => {
    const { operations, stale, requests } = await real()
    const model = countOperations(SITE, 1)
    const reads = model.memoryHits + model.kvHits + model.loads
    const per = (n: number) => n / requests
    // The library's KV reads and writes are also those of warm jobs.
    expect(model.kvReads / reads).toBeGreaterThan(0.75 * per(operations.kvReads))
    expect(model.kvReads / reads).toBeLessThan(1.1 * per(operations.kvReads))
    expect(model.kvWrites / reads).toBeGreaterThan(0.6 * per(operations.kvWrites))
    expect(model.kvWrites / reads).toBeLessThan(1.1 * per(operations.kvWrites))
    expect(model.stale / reads).toBeGreaterThan(0.7 * per(stale))
    expect(model.stale / reads).toBeLessThan(1.5 * per(stale))
  })

  it('is told what follows a write', async () => {
    const [quiet, busy] = [await real(0), await real()]
    const writes = SITE.writesPerSecond * SITE.seconds
    const each = (name: 'd1Batches' | 'd1RowsWritten' | 'queueOperations') =>
      (busy.operations[name] - quiet.operations[name]) / writes
    expect(each('d1Batches') / ROUND_TRIPS_A_WRITE).toBeCloseTo(1, 0)
    expect(each('d1RowsWritten') / ROWS_A_WRITE).toBeCloseTo(1, 0)
    expect(each('queueOperations') / 3 / MESSAGES_A_WRITE).toBeCloseTo(1, 0)
  })

  it('counts what folds cost as the library itself does', async () => {
    // Few enough that a hundred changes fold, and share their places with what is read.
    const fence = { maxPatterns: 20, foldedPlaces: 128 }
    const [whole, folded] = [await real(), await real(undefined, fence)]
    const model = countOperations(
      { ...SITE, fencePatterns: fence.maxPatterns, foldedPlaces: fence.foldedPlaces },
      1,
    )
    const extra = folded.operations.d1Batches - whole.operations.d1Batches
    expect(extra).toBeGreaterThan(0.1 * whole.operations.d1Batches)
    expect((model.loadsByFolds * SITE.seconds) / extra).toBeGreaterThan(0.6)
    expect((model.loadsByFolds * SITE.seconds) / extra).toBeLessThan(1.6)
  })

  it('comes to the same when one key stands for many', () => {
    const load = { requestsPerSecond: 1_000, isolatesPerLocation: 10, keys: 2_000, writesPerSecond: 0.1 }
    const scale = { ...SITE, ...load, warmUpSeconds: 300 }
    const [all, sampled] = [countOperations(scale, 1), countOperations(scale, 10)]
    for (const name of ['memoryHits', 'kvReads', 'fenceQueries'] as const) {
      expect(sampled[name] / all[name], name).toBeGreaterThan(0.85)
      expect(sampled[name] / all[name], name).toBeLessThan(1.15)
    }
  })

  it('loads anew what shares its place with a folded name', () => {
    const countWith = (fencePatterns: number, foldedPlaces: number) =>
      countOperations({ ...SITE, fencePatterns, foldedPlaces, warmUpSeconds: 300 }, 1)
    const [none, few, one] = [countWith(1_000, 1), countWith(20, 4_096), countWith(20, 1)]
    // Of 420 changes of 1,000 keys by Zipf, each fold of the older half takes what was loaded before, where all share one place.
    expect(one.loads).toBeGreaterThan(2 * none.loads)
    expect(one.loadsByFolds).toBeGreaterThan(one.loads / 2)
    // Once for each fold: what was loaded anew is good until the next one.
    const byTags = countOperations(
      { ...SITE, tagsPerEntry: 2, fencePatterns: 20, foldedPlaces: 1, warmUpSeconds: 300 },
      1,
    )
    expect(byTags.loads).toBeLessThan(1.1 * one.loads)
    expect(few.loads).toBeLessThan(one.loads / 5)
    expect(none.loadsByFolds).toBe(0)
  })

  it('never serves what a fence of Δ would not', () => {
    for (const deltaSeconds of [5, 30]) {
      const { staleMs } = countOperations({ ...SITE, deltaSeconds }, 1)
      expect(staleMs.length).toBeGreaterThan(0)
      expect(staleMs.at(-1)).toBeLessThanOrEqual(deltaSeconds * 1000)
    }
  })
})

describe('the bill', () => {
  it('names the limit that is nearest, and what moves it', () => {
    const counts = countOperations({ ...SITE, seconds: 30 }, 1)
    const limitOf = (change: Partial<typeof counts>) => billOf(SITE, { ...counts, ...change }).limit
    expect(limitOf({ fenceQueries: 900, loads: 1 })).toMatchObject({
      setting: 'maxStalenessMs of the policies',
    })
    expect(limitOf({ fenceQueries: 1, loads: 900 })).toMatchObject({ setting: 'ttl of the policies' })
    expect(limitOf({ fenceQueries: 1, loads: 900, loadsByFolds: 800 })).toMatchObject({
      setting: 'CACHE_FOLDED_PLACES',
    })
    expect(limitOf({ fenceQueries: 1, loads: 1 })).toMatchObject({ setting: 'bulk writes' })
    expect(limitOf({ fenceQueries: 900, loads: 1 }).share).toBeCloseTo(0.9, 1)
  })

  it('is printed as a table', () => {
    const lines: string[] = []
    const results = runScale(
      (line) => lines.push(line),
      [['a small one', { ...SITE, keys: 200, seconds: 20 }]],
    )
    expect(results).toHaveLength(1)
    expect(lines.join('\n')).toMatch(/site +memory[\s\S]+a small one +\d/)
  })
})
