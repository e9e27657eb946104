import type { WorkersOptions } from './workers.ts'

/** For `configure`: statistics are handled after a second. Production waits for a fuller batch, and tests would with it. */
export const quickStatistics: NonNullable<WorkersOptions['configure']> = (options) => {
  const { queueConsumers } = options
  if (queueConsumers === undefined || Array.isArray(queueConsumers)) return options
  const stats = queueConsumers['cache-stats']
  if (typeof stats !== 'object') return options
  return {
    ...options,
    queueConsumers: { ...queueConsumers, 'cache-stats': { ...stats, maxBatchTimeout: 1 } },
  }
}
