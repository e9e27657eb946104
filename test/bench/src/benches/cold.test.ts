import { expect, it } from 'vitest'
import { startColdStack } from '../http/cold-stack.ts'
import { CALLERS, measureColdInProcess } from './cold-in-process.ts'
import { measureColdInWorkerd } from './cold-in-workerd.ts'

const FRESHET = ['freshet, read', 'freshet, read, a request each', 'freshet, getOrSet']
const OTHERS = [
  'Map',
  'Map of promises',
  'lru-cache',
  'layered-loader',
  'bentocache',
  '@epic-web/cachified',
  'cacheable',
  'cache-manager',
]

it('loads a cold key once for all who ask, and anew for the next one when that has thrown', async () => {
  const figures = await measureColdInProcess({ rounds: 2, warmUp: 0 })
  const of = (system: string) =>
    Object.fromEntries(
      figures.filter((one) => one.system === system).map(({ metric, value }) => [metric, value]),
    )
  for (const system of FRESHET) {
    expect(of(system), system).toMatchObject({
      loads: 1,
      'it throws: loads': 1,
      'it throws: callers that got the error': CALLERS,
      'it throws: callers that got no error, and no value': 0,
      'it throws: next callers that got the value, of one': 1,
      'it throws: their loads': 1,
    })
  }
  // One operation for all callers of a request. Requests share no read of KV: one that is cancelled would take it along.
  expect(of('freshet, read')).toMatchObject({ 'reads of the second tier': 1, 'calls of the database': 1 })
  expect(of('freshet, getOrSet')).toMatchObject({ 'reads of the second tier': 1, 'calls of the database': 2 })
  expect(of('freshet, read, a request each')['reads of the second tier']).toBeLessThanOrEqual(CALLERS)
  for (const system of OTHERS) expect(of(system), system).toHaveProperty('it throws: loads')
  // What there is to save.
  expect(of('Map')).toMatchObject({ loads: CALLERS, 'it throws: loads': CALLERS })
})

it('answers all others when the request that leads their load is cancelled, in workerd', async () => {
  const stack = await startColdStack(['sonic'])
  const figures = await measureColdInWorkerd(stack, { rounds: 1, warmUp: 0 }).finally(() =>
    stack.stack.stop(),
  )
  const of = (system: string, metric: string) =>
    figures.find((one) => one.system === system && one.metric === metric)?.value
  for (const [trouble, callers, failed] of [
    ['workerd', CALLERS, 0],
    ['workerd, it throws', 0, CALLERS],
    ['workerd, leader cancelled', CALLERS - 1, 0],
  ] as const) {
    expect(of('freshet', `${trouble}: loads`), trouble).toBe(1)
    expect(of('freshet', `${trouble}: callers that got the value`), trouble).toBe(callers)
    expect(of('freshet', `${trouble}: callers that got an error`), trouble).toBe(failed)
    expect(of('freshet', `${trouble}: callers that got nothing in 5 s`), trouble).toBe(0)
    expect(of('freshet', `${trouble}: next callers that got the value, of one`), trouble).toBe(1)
  }
  // Really cancelled: of loads that nothing holds, the leader's never came to its end.
  expect(of('@sonicjs-cms/core', 'workerd, leader cancelled: loads')).toBe(CALLERS)
  expect(of('@sonicjs-cms/core', 'workerd, leader cancelled: loads that came to their end')).toBe(CALLERS - 1)
  expect(of('freshet', 'workerd, leader cancelled: loads that came to their end')).toBe(1)
})
