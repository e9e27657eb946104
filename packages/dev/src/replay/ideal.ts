import type { Operation } from './workload.ts'

/**
 * The hit rate of the best possible cache on these operations: one of unlimited size that all Workers share and that every
 * write invalidates exactly. Only a key's first read, and its first after each write, miss.
 */
export function idealHitRate(operations: readonly Operation[]): number {
  const cached = new Set<number>()
  let reads = 0
  let hits = 0
  for (const { key, write } of operations) {
    if (write) {
      cached.delete(key)
      continue
    }
    reads += 1
    if (cached.has(key)) hits += 1
    else cached.add(key)
  }
  return reads === 0 ? 0 : hits / reads
}
