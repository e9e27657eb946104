import { expect, it } from 'vitest'
import { CALLERS, measureColdInProcess } from './cold-in-process.ts'

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
  expect(of('freshet, getOrSet')).toMatchObject({ 'reads of the second tier': 1, 'calls of the database': 3 })
  expect(of('freshet, read, a request each')['reads of the second tier']).toBeLessThanOrEqual(CALLERS)
  for (const system of OTHERS) expect(of(system), system).toHaveProperty('it throws: loads')
  // What there is to save.
  expect(of('Map')).toMatchObject({ loads: CALLERS, 'it throws: loads': CALLERS })
})
