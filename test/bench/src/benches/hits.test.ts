import { expect, it } from 'vitest'
import { measureHits } from './hits.ts'

const SYSTEMS = {
  get: ['Map', 'lru-cache', 'layered-loader', 'layered-loader, objects', 'freshet, tier', 'freshet, peek'],
  'get of a new key': ['Map', 'freshet, peek'],
  'get, awaited': ['bentocache', 'cacheable', 'cache-manager'],
  'evicting set': ['Map', 'lru-cache', 'cacheable, memory', 'layered-loader', 'bentocache', 'freshet, tier'],
  getOrSet: [
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
  const figures = await measureHits({ keys: 40, calls: 60, rounds: 3, warmUp: 1 })
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
})
