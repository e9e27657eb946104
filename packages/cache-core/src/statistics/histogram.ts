/**
 * Counts of times by fixed, log-scaled buckets, as HdrHistogram has them: whole milliseconds up to 15, from there on eight
 * buckets to each doubling. The buckets are the same everywhere, so merging is adding, also in SQL: which is why this is no
 * sketch of a library, whose stores would have to be read, merged and written back.
 *
 * A quantile is off by at most 1/16 of itself (RELATIVE_ERROR). What is over an hour or so counts as the last bucket.
 */
const SUB_BITS = 3
const SUB = 1 << SUB_BITS
const OCTAVES = 19

/** How many buckets there are. */
export const BUCKETS = SUB + OCTAVES * SUB

/** A quantile differs from the true one by at most this share of it. */
export const RELATIVE_ERROR = 1 / (2 * SUB)

/** Counts by bucket. */
export type Histogram = Float64Array

export function newHistogram(): Histogram {
  return new Float64Array(BUCKETS)
}

/** The bucket of a time; what is below 0 counts as 0. @param ms taken as whole milliseconds */
export function bucketOf(ms: number): number {
  if (!(ms >= 1)) return 0
  if (ms >= 2 ** (SUB_BITS + OCTAVES)) return BUCKETS - 1
  const whole = ms | 0
  if (whole < SUB) return whole
  const octave = 31 - Math.clz32(whole) - SUB_BITS
  return octave * SUB + (whole >> octave)
}

/** The smallest time of a bucket, ms. */
export function lowestOf(bucket: number): number {
  if (bucket < 2 * SUB) return bucket
  const octave = Math.floor(bucket / SUB) - 1
  return (SUB + (bucket % SUB)) * 2 ** octave
}

/** The largest whole time of a bucket, ms. */
export function highestOf(bucket: number): number {
  return lowestOf(bucket + 1) - 1
}

/** The time that stands for all of a bucket, ms. */
export function middleOf(bucket: number): number {
  return (lowestOf(bucket) + highestOf(bucket)) / 2
}

/** Counts a time: one write, nothing allocated. */
export function count(histogram: Histogram, ms: number): void {
  const bucket = bucketOf(ms)
  histogram[bucket] = (histogram[bucket] ?? 0) + 1
}

/** How many times were counted. */
export function sizeOf(histogram: Histogram): number {
  let size = 0
  for (const n of histogram) size += n
  return size
}

/** Adds one's counts to another's. */
export function mergeInto(into: Histogram, from: Histogram): void {
  for (let bucket = 0; bucket < BUCKETS; bucket++) into[bucket] = (into[bucket] ?? 0) + (from[bucket] ?? 0)
}

/** The nearest-rank quantile, ms; null when nothing was counted. @param share 0 to 1 */
export function quantile(histogram: Histogram, share: number): number | null {
  const size = sizeOf(histogram)
  if (size === 0) return null
  const rank = Math.max(1, Math.ceil(share * size))
  let seen = 0
  for (const [bucket, n] of histogram.entries()) {
    seen += n
    if (seen >= rank) return middleOf(bucket)
  }
  return middleOf(BUCKETS - 1)
}
