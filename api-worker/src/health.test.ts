import { expect, it } from 'vitest'
import { judgeFigures, worst } from './health.ts'

const figures = { deadLetters: 0, oldestUnprocessedSeconds: 0, backlog: 0 }

it.each([
  ['deadLetters', 0, 'ok'],
  ['deadLetters', 1, 'warning'],
  ['oldestUnprocessedSeconds', 300, 'ok'],
  ['oldestUnprocessedSeconds', 301, 'warning'],
  ['oldestUnprocessedSeconds', 1800, 'warning'],
  ['oldestUnprocessedSeconds', 1801, 'critical'],
  ['backlog', 1000, 'ok'],
  ['backlog', 1001, 'warning'],
  ['backlog', null, 'unknown'],
] as const)('%s of %d is %s', (name, figure, health) => {
  expect(judgeFigures({ ...figures, [name]: figure })).toEqual({
    ...judgeFigures(figures),
    [name]: health,
  })
})

it('as a whole it is as well as the worst of it; what is not known is no complaint', () => {
  expect(worst(['ok', 'idle', 'unknown'])).toBe('ok')
  expect(worst(['ok', 'warning', 'unknown'])).toBe('warning')
  expect(worst(['warning', 'critical', 'ok'])).toBe('critical')
})
