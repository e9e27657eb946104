import type { Operation } from './workload.ts'

/**
 * The hit rate of the best possible cache on these operations: one of unlimited size that all Workers share and that every
 * write invalidates exactly. Only a key's first read, and its first after each write, miss.
 * @param from where counting begins: what came before it is cached, but not counted
 */
export function idealHitRate(operations: readonly Operation[], from = 0): number {
  const cached = new Set<number>()
  let reads = 0
  let hits = 0
  for (const [index, { key, write }] of operations.entries()) {
    if (write) {
      cached.delete(key)
      continue
    }
    const isHit = cached.has(key)
    cached.add(key)
    if (index < from) continue
    reads += 1
    if (isHit) hits += 1
  }
  return reads === 0 ? 0 : hits / reads
}
