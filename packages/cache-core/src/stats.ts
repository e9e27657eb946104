/** Counts of one namespace. A read adds to exactly one of the first five. */
export interface NamespaceCounts {
  memoryHits: number
  kvHits: number
  /** Answered by a load. */
  misses: number
  /** Answered past validity, while D1 failed. */
  stale: number
  /** Answered past the cache. */
  bypasses: number
  /** Loads from D1: fewer than misses where callers shared one. */
  loads: number
  /** Time that the loads took together, ms. */
  loadMs: number
  loadErrors: number
  /** Entries found, alive, and refused since the log had moved on. */
  invalidByFence: number
  /** Of the hits, those on what a warm job brought. */
  warmedHits: number
}

/** What this isolate has counted since it started. */
export interface CacheStats {
  namespaces: Record<string, NamespaceCounts & { hitRate: number | null }>
  /** Over all namespaces. */
  total: NamespaceCounts & { hitRate: number | null }
  memory: { entries: number; bytes: number; evictions: number; refused: number }
  kv: { reads: number; writes: number; errors: number; garbage: number; dropped: number; open: boolean }
  d1: { queries: number; batches: number; errors: number; refreshes: number; open: boolean }
  fence: { epoch: string | null; head: number; floor: number; patterns: number; ageMs: number | null }
}

const zero = (): NamespaceCounts => ({
  memoryHits: 0,
  kvHits: 0,
  misses: 0,
  stale: 0,
  bypasses: 0,
  loads: 0,
  loadMs: 0,
  loadErrors: 0,
  invalidByFence: 0,
  warmedHits: 0,
})

/** The counters of one isolate. */
export class Stats {
  readonly kv = { reads: 0, writes: 0, errors: 0, garbage: 0, dropped: 0 }
  readonly d1 = { queries: 0, batches: 0, errors: 0, refreshes: 0 }
  readonly memory = { refused: 0 }
  readonly #namespaces = new Map<string, NamespaceCounts>()

  of(namespace: string): NamespaceCounts {
    let counts = this.#namespaces.get(namespace)
    if (counts === undefined) {
      counts = zero()
      this.#namespaces.set(namespace, counts)
    }
    return counts
  }

  namespaces(): CacheStats['namespaces'] {
    return Object.fromEntries([...this.#namespaces].map(([name, counts]) => [name, withRate(counts)]))
  }

  total(): CacheStats['total'] {
    const sum = zero()
    for (const counts of this.#namespaces.values()) {
      for (const field of FIELDS) sum[field] += counts[field]
    }
    return withRate(sum)
  }
}

const FIELDS = [
  'memoryHits',
  'kvHits',
  'misses',
  'stale',
  'bypasses',
  'loads',
  'loadMs',
  'loadErrors',
  'invalidByFence',
  'warmedHits',
] as const satisfies readonly (keyof NamespaceCounts)[]

/** The one definition: hits of either tier over all reads that went through the cache; null before the first. */
function withRate(counts: NamespaceCounts): NamespaceCounts & { hitRate: number | null } {
  const hits = counts.memoryHits + counts.kvHits
  const reads = hits + counts.misses + counts.stale
  return { ...counts, hitRate: reads === 0 ? null : hits / reads }
}
