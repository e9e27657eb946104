/** A figure at a time, in minutes. */
export interface Point {
  minute: number
  value: number
}

/** How fast a figure grows, a minute: the line through points by least squares. 0 for fewer than two. */
export function slopeOf(points: readonly Point[]): number {
  const mean = (of: (point: Point) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length
  const x = mean(({ minute }) => minute)
  const y = mean(({ value }) => value)
  let above = 0
  let below = 0
  for (const { minute, value } of points) {
    above += (minute - x) * (value - y)
    below += (minute - x) ** 2
  }
  return below === 0 ? 0 : above / below
}

/** Whether a figure stands still: over the whole time it grows by less than this share of its mean. */
export function isFlat(points: readonly Point[], share: number): boolean {
  const [first] = points
  const last = points.at(-1)
  if (first === undefined || last === undefined) return true
  const mean = points.reduce((sum, { value }) => sum + value, 0) / points.length
  return slopeOf(points) * (last.minute - first.minute) < share * mean
}
