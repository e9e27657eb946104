import { describe, expect, it } from 'vitest'
import { CONFIGS } from '../../test/world.ts'
import { figuresOf, fleetFigures } from './figures.ts'
import { recommend } from './recommendations.ts'
import { addTo, type Sums } from './sums.ts'

function advise(namespaces: Record<string, Sums>, patterns = [{ pattern: '*', events: 1 }]) {
  const total: Sums = {}
  for (const sums of Object.values(namespaces)) addTo(total, sums)
  const figures = Object.entries(namespaces).map(([name, sums]) => [name, figuresOf(sums)] as const)
  const day = { from: 0, to: 1, total: fleetFigures(total, 1), namespaces: Object.fromEntries(figures) }
  return recommend(day, CONFIGS, patterns)
}

const kinds = (namespaces: Record<string, Sums>) => advise(namespaces).map(({ kind }) => kind)

describe('recommendations', () => {
  it('are none for a cache that is worth it, or that nobody asks', () => {
    expect(advise({})).toEqual([])
    expect(
      advise({ content: { memoryHits: 9_000, misses: 100, loads: 100, loadBytes: 40_000, kvWrites: 100 } }),
    ).toEqual([])
  })

  it('tell of a namespace that gains little, more urgently when the cache costs more than it spares', () => {
    const [one] = advise({ content: { memoryHits: 200, misses: 800, loads: 400 } })
    expect(one).toMatchObject({
      kind: 'little-gain',
      namespace: 'content',
      severity: 'advice',
      why: 'Of 1,000 reads 20 % were hits.',
      figures: { reads: 1_000, hitRate: 0.2, savedQueries: 200 },
    })
    expect(advise({ content: { memoryHits: 200, misses: 800, loads: 800 } })[0]).toMatchObject({
      severity: 'warning',
      figures: { savedQueries: -600 },
    })
    expect(kinds({ content: { misses: 999, loads: 999 } })).toEqual([])
    expect(kinds({ content: { memoryHits: 300, misses: 700 } })).toEqual([])
  })

  it('tell of a TTL that is shorter than re-use, and what it could be', () => {
    const sums = { memoryHits: 1_000, misses: 100, expired: 30 }
    expect(advise({ content: sums })).toMatchObject([
      {
        kind: 'ttl-shorter-than-reuse',
        action: expect.stringContaining('from 3600 s to 7200 s'),
        figures: { expiredShare: 0.3, ttlSeconds: 3_600 },
      },
    ])
    expect(advise({ unknown: sums })[0]?.figures).toEqual({ misses: 100, expired: 30, expiredShare: 0.3 })
    expect(kinds({ content: { ...sums, expired: 29 } })).toEqual([])
  })

  it('tell of what is written to KV and not read there', () => {
    expect(advise({ content: { memoryHits: 9_000, kvWrites: 1_000, kvHits: 99 } })).toMatchObject([
      { kind: 'never-re-read', figures: { kvWrites: 1_000, kvHits: 99, reReadShare: 0.099 } },
    ])
    expect(kinds({ content: { memoryHits: 9_000, kvWrites: 1_000, kvHits: 100 } })).toEqual([])
  })

  it('tell of large values, more urgently of those that memory refuses', () => {
    expect(advise({ content: { memoryHits: 90, refused: 2 } })).toMatchObject([
      { kind: 'oversize', severity: 'warning', why: '2 times a value was too large for memory.' },
    ])
    expect(advise({ content: { memoryHits: 90, loads: 10, loadBytes: 1_200_000 } })).toMatchObject([
      { kind: 'oversize', severity: 'advice', why: 'A value takes 120 KB on average.' },
    ])
    expect(kinds({ content: { memoryHits: 90, loads: 9, loadBytes: 1_200_000 } })).toEqual([])
  })

  it('tell of a memory that is too small, for all namespaces together', () => {
    expect(
      advise({
        content: { memoryHits: 9_000, evictions: 600, loads: 1_000 },
        user: { memoryHits: 9_000, evictions: 400, kvHits: 1_000 },
      }),
    ).toMatchObject([{ kind: 'memory-too-small', namespace: null, figures: { evictedShare: 0.5 } }])
    expect(kinds({ content: { memoryHits: 9_000, evictions: 1_000, loads: 2_001 } })).toEqual([])
  })

  it('tell of patterns that invalidate more than they change, and name those that can be meant', () => {
    const patterns = ['*', 'content:*', 'user:*', '*:list:*'].map((pattern) => ({ pattern, events: 2 }))
    const sums = { memoryHits: 9_000, invalidByFence: 100, reloadedSame: 50 }
    expect(advise({ content: sums }, patterns)).toMatchObject([
      {
        kind: 'broad-patterns',
        figures: { sameShare: 0.5 },
        patterns: [{ pattern: '*' }, { pattern: 'content:*' }, { pattern: '*:list:*' }],
      },
    ])
    expect(kinds({ content: { ...sums, reloadedSame: 49 } })).toEqual([])
    expect(kinds({ content: { memoryHits: 9_000, invalidByFence: 99, reloadedSame: 99 } })).toEqual([])
  })

  it('have warnings first', () => {
    const found = advise({
      content: { memoryHits: 1_000, misses: 100, expired: 50 },
      user: { memoryHits: 90, refused: 1 },
    })
    expect(found.map(({ severity }) => severity)).toEqual(['warning', 'advice'])
  })
})
