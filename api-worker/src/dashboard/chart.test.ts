import { expect, it } from 'vitest'
import { chartOf, lonePlaces } from './chart.ts'

const MINUTE = 60_000

it('a chart has a place for each bucket between the first and the last, and gaps where nothing happened', () => {
  const buckets = [
    { at: 5 * MINUTE, hits: 3, ms: 1.23456 },
    { at: 2 * MINUTE, hits: 1, ms: null },
  ]
  expect(
    chartOf('count', buckets, MINUTE, [
      { label: 'hits', ink: 'memory', of: ({ hits }) => hits },
      { label: 'time', ink: 'limit', dash: true, of: ({ ms }) => ms },
    ]),
  ).toEqual({
    unit: 'count',
    x: [120, 180, 240, 300],
    series: [
      { label: 'hits', ink: 'memory', values: [1, null, null, 3] },
      { label: 'time', ink: 'limit', dash: true, values: [null, null, null, 1.235] },
    ],
  })
})

it('a chart of nothing is empty', () => {
  expect(chartOf('ms', [], MINUTE, [{ label: 'p50', ink: 'kv', of: () => 1 }])).toEqual({
    unit: 'ms',
    x: [],
    series: [{ label: 'p50', ink: 'kv', values: [] }],
  })
})

it.each([
  [[], []],
  [[3], [0]],
  [[1, 2, null, 4, null, null, 7, 8], [3]],
  [
    [null, 0, null, 5],
    [1, 3],
  ],
  [[null, null], []],
])('of %j the places %j have no line', (values, places) => {
  expect(lonePlaces(values)).toEqual(places)
})
