/** Latencies of one kind of request, in milliseconds. */
export interface Latency {
  count: number
  mean: number
  p50: number
  p95: number
  p99: number
}

/** Mean and nearest-rank quantiles of `samples`; null without any. */
export function latencyOf(samples: readonly number[]): Latency | null {
  if (samples.length === 0) return null
  const sorted = Float64Array.from(samples).sort()
  const quantile = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  return {
    count: sorted.length,
    mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    p50: quantile(0.5),
    p95: quantile(0.95),
    p99: quantile(0.99),
  }
}

/** Share of the samples that are under `limit`; null without any. */
export function shareUnder(samples: readonly number[], limit: number): number | null {
  if (samples.length === 0) return null
  return samples.filter((sample) => sample < limit).length / samples.length
}
