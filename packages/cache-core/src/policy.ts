/** How one namespace is cached. Documented once, here; durations carry their unit in the name, `ttl` is in seconds. */
export interface CacheConfig {
  /** First segment of every key of this namespace. */
  namespace: string
  /** Lifetime from the load, in seconds; ±10 % jitter is added. */
  ttl: number
  /** Keep values in this isolate's memory. */
  memoryEnabled: boolean
  /** Keep values in Workers KV. */
  kvEnabled: boolean
  /** Events that can invalidate entries here: for people; the event → tags rules do the work. */
  invalidateOn: readonly string[]
  /** Δ: a read never returns a value older than one that was current this long before the read began. 0: strong reads only. */
  maxStalenessMs: number
  /** How long past its lifetime a value may be served, labelled stale, while D1 fails. 0: never. */
  staleIfErrorSeconds: number
  /**
   * How long past its lifetime a value is still served while it is loaded anew behind the answer. Only where the log holds
   * nothing against it: the promise does not depend on lifetimes. Default 0.
   */
  staleWhileRevalidateSeconds?: number
  /** Private values never get a public `Cache-Control` and are never warmed. */
  visibility: 'public' | 'private'
  /** Bump when the shape of this namespace's values changes. */
  version: number
  /** How long a location may keep its copy of a KV value, in seconds (KV's `cacheTtl`, at least 30). Default 30. */
  kvCacheTtlSeconds?: number
  /** `max-age` for browsers on public answers. Outside the promise, so default none: `no-cache`. */
  browserMaxAgeSeconds?: number
}

/** Policies by namespace. */
export type CacheConfigs = Readonly<Record<string, CacheConfig>>

/**
 * A policy with the defaults of this library: an hour in both tiers, Δ 5 s, private, no stale answers.
 * @param own what is different in this namespace
 */
export function cachePolicy(namespace: string, own: Partial<CacheConfig> = {}): CacheConfig {
  return {
    namespace,
    ttl: 3600,
    memoryEnabled: true,
    kvEnabled: true,
    invalidateOn: [],
    maxStalenessMs: 5000,
    staleIfErrorSeconds: 0,
    visibility: 'private',
    version: 1,
    ...own,
  }
}

/** The same policies with the memory tier off: for a consumer, whose loads are for KV and other isolates. */
export function withoutMemory(configs: CacheConfigs): CacheConfigs {
  return Object.fromEntries(
    Object.entries(configs).map(([name, config]) => [name, { ...config, memoryEnabled: false }]),
  )
}
