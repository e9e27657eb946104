import { expect, it } from 'vitest'
import { verdicts } from './hit-verdicts.ts'
import { figuresOf, measureHits } from './hits.ts'

const SYSTEMS = {
  get: [
    'Map',
    'lru-cache',
    'layered-loader',
    'layered-loader, objects',
    'freshet, tier',
    'freshet, peek',
    'freshet, peek of a source',
  ],
  'get of a new key': ['Map', 'freshet, peek'],
  'get, awaited': ['bentocache', 'cacheable', 'cache-manager'],
  'evicting set': ['Map', 'lru-cache', 'cacheable, memory', 'layered-loader', 'bentocache', 'freshet, tier'],
  getOrSet: [
    'Map, clock, promise',
    'layered-loader',
    'layered-loader, objects',
    'bentocache',
    '@epic-web/cachified',
    'cacheable',
    'cache-manager',
    'freshet',
    'freshet, parsed',
  ],
  'two tiers, in the first': [
    'layered-loader',
    'layered-loader, objects',
    'bentocache',
    '@epic-web/cachified',
    'cacheable',
    'cache-manager',
    'freshet',
  ],
}

it('has each system answer each call in each discipline, and no hit load anything', async () => {
  const times = await measureHits({ keys: 40, calls: 60, rounds: 3, warmUp: 1 })
  const figures = figuresOf(times)
  const expected = Object.entries(SYSTEMS).flatMap(([metric, systems]) =>
    systems.flatMap((system) => [
      [system, `${metric}: ns`],
      [system, `${metric}: spread, ns`],
    ]),
  )
  expect(figures.map(({ system, metric }) => [system, metric])).toEqual(expected)
  for (const { system, metric, value, ratio } of figures) {
    const isTime = metric.endsWith(': ns')
    expect(isTime ? value > 0 : value >= 0, `${system}, ${metric}`).toBe(true)
    expect(ratio === null, `${system}, ${metric}`).toBe(!isTime || system === 'Map')
  }
  expect(verdicts(times)).toHaveLength(9)
})

it('compares systems round by round, so that a slow round does not tell against whoever was measured in it', () => {
  const rounds = (...all: number[]) => all
  const others = { 'lru-cache': rounds(50, 500, 50), Map: rounds(20, 200, 20) }
  const peers = {
    'Map, clock, promise': rounds(1, 1, 1),
    slow: rounds(900, 900, 900),
    quick: rounds(100, 1000, 100),
  }
  const lines = verdicts(
    new Map(
      Object.entries({
        get: { ...others, 'freshet, peek': rounds(40, 400, 52), 'freshet, tier': rounds(51, 510, 51) },
        'evicting set': { ...others, 'freshet, tier': rounds(40, 400, 40) },
        getOrSet: { ...peers, freshet: rounds(90, 900, 300) },
        'two tiers, in the first': { ...peers, freshet: rounds(110, 1100, 110) },
      }).map(([metric, systems]) => [metric, new Map(Object.entries(systems))]),
    ),
  )
  expect(lines).toEqual([
    'get, freshet, peek to Map: 2.00 × (half of the rounds 2.00 to 2.60), at most 2.5: met',
    'get, freshet, tier to lru-cache: 1.02 × (half of the rounds 1.02 to 1.02), at most 1: NOT met',
    'evicting set, freshet, tier to lru-cache: 0.80 × (half of the rounds 0.80 to 0.80), at most 1: met',
    'getOrSet, freshet to quick: 0.90 × (half of the rounds 0.90 to 3.00), at most 1: met',
    'getOrSet, freshet to slow: 0.33 × (half of the rounds 0.10 to 1.00), at most 1: met',
    'two tiers, in the first, freshet to quick: 1.10 × (half of the rounds 1.10 to 1.10), at most 1: NOT met',
    'two tiers, in the first, freshet to slow: 0.12 × (half of the rounds 0.12 to 1.22), at most 1: met',
  ])
})
