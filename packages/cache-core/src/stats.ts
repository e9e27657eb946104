import { count, type Histogram, mergeInto, newHistogram, sizeOf } from './statistics/histogram.ts'

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
  /** Text that the loads brought, in characters. */
  loadBytes: number
  /** Rows that D1 read for the loads. */
  loadRows: number
  /** Entries found, alive, and refused since the log had moved on. */
  invalidByFence: number
  /** Of the reads that found such an entry and loaded, those that got the same value again. */
  reloadedSame: number
  /** Entries found in memory after their life. */
  expired: number
  /** Of the hits, those on what a warm job brought. */
  warmedHits: number
  /** Entries that left memory to make room. */
  evictions: number
  /** Entries too large for memory. */
  refused: number
  /** Operations on KV for this namespace. */
  kvReads: number
  kvWrites: number
  /** Text that hits in KV brought, in characters. */
  kvBytes: number
}

/** What this isolate has counted since it started. */
export interface CacheStats {
  namespaces: Record<string, NamespaceCounts & { hitRate: number | null }>
  /** Over all namespaces. */
  total: NamespaceCounts & { hitRate: number | null }
  memory: { entries: number; bytes: number; evictions: number; refused: number }
  kv: {
    reads: number
    shared: number
    writes: number
    errors: number
    garbage: number
    dropped: number
    open: boolean
  }
  d1: {
    queries: number
    batches: number
    errors: number
    refreshes: number
    rowsRead: number
    rowsWritten: number
    open: boolean
  }
  fence: { epoch: string | null; head: number; floor: number; patterns: number; ageMs: number | null }
}

/** Names of a namespace's counts. */
export const COUNTS = [
  'memoryHits',
  'kvHits',
  'misses',
  'stale',
  'bypasses',
  'loads',
  'loadMs',
  'loadErrors',
  'loadBytes',
  'loadRows',
  'invalidByFence',
  'reloadedSame',
  'expired',
  'warmedHits',
  'evictions',
  'refused',
  'kvReads',
  'kvWrites',
  'kvBytes',
] as const satisfies readonly (keyof NamespaceCounts)[]

/** What one isolate counts of one namespace. */
export class NamespaceStats {
  kvHits = 0
  misses = 0
  stale = 0
  bypasses = 0
  loads = 0
  loadMs = 0
  loadErrors = 0
  loadBytes = 0
  loadRows = 0
  invalidByFence = 0
  reloadedSame = 0
  expired = 0
  evictions = 0
  refused = 0
  kvReads = 0
  kvWrites = 0
  kvBytes = 0
  /** How long KV and the loads took. */
  readonly kvReadTimes = newHistogram()
  readonly loadTimes = newHistogram()
  /** How old the answers given while D1 failed may have been. */
  readonly staleAges = newHistogram()
  readonly #kvAges = newHistogram()
  /** The hits of memory are counted nowhere else: by the fence's age, so that one write says both. */
  readonly #memoryAges: Histogram
  readonly #warmedAges: Histogram
  #warmedKvHits = 0

  constructor(make: () => Histogram = newHistogram) {
    this.#memoryAges = make()
    this.#warmedAges = make()
  }

  /** Counts a hit: one write, nothing allocated. @param ageMs of the fence that proved it */
  memoryHit(isWarmed: boolean, ageMs: number): void {
    count(this.memoryAges(isWarmed), ageMs)
  }

  /** What hits are counted in, for who keeps it at hand. */
  memoryAges(isWarmed: boolean): Histogram {
    return isWarmed ? this.#warmedAges : this.#memoryAges
  }

  /** Counts a hit of KV. */
  kvHit(isWarmed: boolean, ageMs: number, bytes: number): void {
    this.kvHits++
    this.kvBytes += bytes
    if (isWarmed) this.#warmedKvHits++
    count(this.#kvAges, ageMs)
  }

  /** Counts an answer that only a failing D1 excuses. @param ageMs since its value was loaded */
  staleHit(ageMs: number): void {
    this.stale++
    count(this.staleAges, ageMs)
  }

  /** Counts a load that brought something. */
  loaded(ms: number, bytes: number, rows: number): void {
    this.loadMs += ms
    this.loadBytes += bytes
    this.loadRows += rows
    count(this.loadTimes, ms)
  }

  get memoryHits(): number {
    return sizeOf(this.#memoryAges) + sizeOf(this.#warmedAges)
  }

  get warmedHits(): number {
    return sizeOf(this.#warmedAges) + this.#warmedKvHits
  }

  /** The age of the fence at each hit: nothing can be staler than that. */
  hitAges(): Histogram {
    const ages = newHistogram()
    for (const own of [this.#memoryAges, this.#warmedAges, this.#kvAges]) mergeInto(ages, own)
    return ages
  }

  counts(): NamespaceCounts {
    const counts = noCounts()
    for (const name of COUNTS) counts[name] = this[name]
    return counts
  }
}

/** The counters of one isolate. */
export class Stats {
  /** `shared`: entries found with the other isolates of the location, for which KV was not asked. */
  readonly kv = { reads: 0, shared: 0, writes: 0, errors: 0, garbage: 0, dropped: 0 }
  readonly d1 = { queries: 0, batches: 0, errors: 0, refreshes: 0, rowsRead: 0, rowsWritten: 0 }
  /** Hits that were compared with D1, those that were wrong, and those that had only just become so. */
  readonly verification = { checks: 0, violations: 0, younger: 0 }
  /** How long refreshes of the fence took. */
  readonly refreshTimes = newHistogram()
  readonly #namespaces = new Map<string, NamespaceStats>()
  /** What was asked for last: one read asks more than once. */
  #lastNamespace = ''
  #last: NamespaceStats | null = null
  readonly #make: () => Histogram

  /** @param make what hits are counted in */
  constructor(make: () => Histogram = newHistogram) {
    this.#make = make
  }

  of(namespace: string): NamespaceStats {
    if (this.#last !== null && namespace === this.#lastNamespace) return this.#last
    let counts = this.#namespaces.get(namespace)
    if (counts === undefined) {
      counts = new NamespaceStats(this.#make)
      this.#namespaces.set(namespace, counts)
    }
    this.#lastNamespace = namespace
    this.#last = counts
    return counts
  }

  /** All namespaces that were counted. */
  all(): ReadonlyMap<string, NamespaceStats> {
    return this.#namespaces
  }

  namespaces(): CacheStats['namespaces'] {
    return Object.fromEntries([...this.#namespaces].map(([name, one]) => [name, withRate(one.counts())]))
  }

  total(): CacheStats['total'] {
    const sum = noCounts()
    for (const one of this.#namespaces.values()) {
      const counts = one.counts()
      for (const name of COUNTS) sum[name] += counts[name]
    }
    return withRate(sum)
  }
}

/** Nothing counted yet. */
export function noCounts(): NamespaceCounts {
  return {
    memoryHits: 0,
    kvHits: 0,
    misses: 0,
    stale: 0,
    bypasses: 0,
    loads: 0,
    loadMs: 0,
    loadErrors: 0,
    loadBytes: 0,
    loadRows: 0,
    invalidByFence: 0,
    reloadedSame: 0,
    expired: 0,
    warmedHits: 0,
    evictions: 0,
    refused: 0,
    kvReads: 0,
    kvWrites: 0,
    kvBytes: 0,
  }
}

/**
 * The one definition of the hit rate: hits of either tier over all reads that went through the cache. Stale answers are reads
 * and no hits, bypasses are neither; null before the first.
 */
export function hitRate({
  memoryHits,
  kvHits,
  misses,
  stale,
}: Pick<NamespaceCounts, 'memoryHits' | 'kvHits' | 'misses' | 'stale'>): number | null {
  const hits = memoryHits + kvHits
  const reads = hits + misses + stale
  return reads === 0 ? null : hits / reads
}

function withRate(counts: NamespaceCounts): NamespaceCounts & { hitRate: number | null } {
  return { ...counts, hitRate: hitRate(counts) }
}
