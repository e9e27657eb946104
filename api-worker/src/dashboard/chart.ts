/** A chart as its page carries it: points in time, and lines over them. */
export interface ChartData {
  unit: 'share' | 'count' | 'ms'
  /** Seconds, ascending. */
  x: number[]
  series: ChartSeries[]
}

/** Names of colours in dashboard.css. */
type Ink = 'memory' | 'kv' | 'database' | 'stale' | 'limit' | 'critical'

interface ChartSeries {
  label: string
  ink: Ink
  /** As long as `x`; null where there is nothing to say. */
  values: (number | null)[]
  dash?: boolean
}

/** A line of a chart, made of a bucket at a time. */
export type Line<T> = Omit<ChartSeries, 'values'> & { of: (bucket: T) => number | null | undefined }

/**
 * Makes a chart of buckets in time. Buckets that are missing, since nothing happened in them, are filled with gaps, so that a
 * quiet hour is as wide as a busy one.
 * @param stepMs width of a bucket
 */
export function chartOf<T extends { at: number }>(
  unit: ChartData['unit'],
  buckets: readonly T[],
  stepMs: number,
  lines: readonly Line<T>[],
): ChartData {
  const byTime = new Map(buckets.map((bucket) => [Math.floor(bucket.at / stepMs), bucket]))
  const steps = [...byTime.keys()].sort((a, b) => a - b)
  const [first = 0] = steps
  const last = steps.at(-1) ?? -1
  const all = Array.from({ length: last - first + 1 }, (_, place) => first + place)
  return {
    unit,
    x: all.map((step) => (step * stepMs) / 1000),
    series: lines.map(({ of, ...line }) => ({
      ...line,
      values: all.map((step) => {
        const bucket = byTime.get(step)
        const value = bucket === undefined ? null : (of(bucket) ?? null)
        // Bytes that nobody sees are bytes all the same.
        return value === null ? null : Number(value.toPrecision(4))
      }),
    })),
  }
}

/** Places of values that no line leads to or from, so that a chart has to mark them: a minute between two without any. */
export function lonePlaces(values: readonly (number | null | undefined)[]): number[] {
  return values.flatMap((value, place) =>
    value != null && values[place - 1] == null && values[place + 1] == null ? [place] : [],
  )
}
