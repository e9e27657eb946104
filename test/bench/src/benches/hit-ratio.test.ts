import { expect, it } from 'vitest'
import { seeded } from '../random.ts'
import { measureHitRatio } from './hit-ratio.ts'
import { optimalHits } from './optimum.ts'

/** Hits of the best choice at each place, by trying all of them. */
function triedHits(keys: readonly number[], size: number, held: readonly number[] = [], at = 0): number {
  const key = keys[at]
  if (key === undefined) return 0
  if (held.includes(key)) return 1 + triedHits(keys, size, held, at + 1)
  const grown = [...held, key]
  if (grown.length <= size) return triedHits(keys, size, grown, at + 1)
  return Math.max(
    ...grown.map((dropped) =>
      triedHits(
        keys,
        size,
        grown.filter((one) => one !== dropped),
        at + 1,
      ),
    ),
  )
}

it('has an optimum that no choice beats', () => {
  const random = seeded(7)
  for (let run = 0; run < 60; run++) {
    const keys = Array.from({ length: 12 }, () => Math.floor(random() * 5))
    for (const size of [1, 2, 3])
      expect(optimalHits(keys, size), `${keys} in ${size}`).toBe(triedHits(keys, size))
  }
})

it('says of each trace and size what each system answers, and what is gained in all', async () => {
  const round = { name: 'round', keys: Array.from({ length: 300 }, (_, i) => i % 3), distinct: 3 }
  const few = { name: 'few', keys: Array.from({ length: 300 }, (_, i) => i % 2), distinct: 2 }
  const figures = await measureHitRatio([round, few], [2, 4])
  const cell = (metric: string) =>
    Object.fromEntries(
      figures.filter((one) => one.metric === metric).map(({ system, value }) => [system, value]),
    )
  expect(Object.keys(cell('round, 2 entries'))).toEqual(['FIFO', 'LRU', 'freshet', 'optimum'])
  // What goes round in one place more than there is empties both queues; the optimum keeps two of three, or one and the next.
  expect(cell('round, 2 entries')).toMatchObject({ FIFO: 0, LRU: 0 })
  expect(cell('round, 2 entries').optimum).toBeCloseTo((100 * optimalHits(round.keys, 2)) / 300, 9)
  for (const metric of ['round, 4 entries', 'few, 2 entries', 'few, 4 entries']) {
    const most = metric.startsWith('round') ? 99 : 100 - 200 / 300
    for (const [system, value] of Object.entries(cell(metric)))
      expect(value, `${metric}: ${system}`).toBeCloseTo(most, 9)
  }
  const gained = figures.slice(-2)
  expect(gained.map(({ metric }) => metric)).toEqual([
    'points above LRU, mean of all',
    'points above LRU, least',
  ])
  expect(gained[1]?.value).toBe(0)
})
