import { expect, it } from 'vitest'
import { quickStatistics } from './quick-statistics.ts'

it('has statistics wait a second at most, and changes nothing else', () => {
  const worker = { modules: true as const, script: '', kvNamespaces: ['CACHE'] }
  const queueConsumers = {
    'cache-stats': { maxBatchSize: 100, maxBatchTimeout: 30 },
    'cache-events': { maxBatchTimeout: 2 },
  }
  expect(quickStatistics({ ...worker, queueConsumers })).toEqual({
    ...worker,
    queueConsumers: { ...queueConsumers, 'cache-stats': { maxBatchSize: 100, maxBatchTimeout: 1 } },
  })
})

it.each([undefined, ['cache-stats'], { 'cache-events': {} }])(
  'leaves a Worker with consumers %j as it is',
  (queueConsumers) => {
    const worker = { modules: true as const, script: '', ...(queueConsumers && { queueConsumers }) }
    expect(quickStatistics(worker)).toBe(worker)
  },
)
