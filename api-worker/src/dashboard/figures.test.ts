import { expect, it } from 'vitest'
import { mostIsolates, type Trends } from './figures.ts'

const trend = (told: (number | null)[], stepSeconds = 60): Pick<Trends, 'points' | 'stepSeconds'> => ({
  stepSeconds,
  points: told.map((isolates, i) => ({
    at: i,
    reads: 1,
    memoryHits: 1,
    kvHits: 0,
    misses: 0,
    stale: 0,
    hitRate: 1,
    kvReadMs: null,
    loadMs: null,
    stalenessMs: null,
    refreshMs: null,
    d1Queries: 0,
    isolates,
    savedQueries: 0,
    backlog: null,
    events: {},
    warmJobs: {},
  })),
})

it.each([
  ['nobody', [0, null, 0], 60, 0],
  [
    'one that tells of a minute and a half in one step, and of half of one in the next',
    [1.5, 0.5, 1.5, 0.5, 1],
    60,
    1,
  ],
  ['one that has just begun', [0, 0, 0, 0.4], 60, 1],
  ['one whose unfinished step has told too much', [1, 1, 1, 3], 60, 1],
  ['two, of whom one left', [2, 2.2, 1.8, 1, 1, 1, 0], 60, 2],
  ['many, in one hour', [0, 12.4, 3, 1], 3_600, 12],
] as const)('%s', (_, told, stepSeconds, most) => {
  expect(mostIsolates(trend([...told], stepSeconds))).toBe(most)
})
