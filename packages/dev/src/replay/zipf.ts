/** What `zipfSequence` takes. */
export interface ZipfOptions {
  /** How many keys there are. */
  keys: number
  /** How many requests. */
  count: number
  /** How steeply popularity falls: the nth most popular key is asked for in proportion to n to the power of minus this. */
  exponent: number
  random: () => number
}

/** Requests for keys 0 … keys−1 of which few are popular, as on most sites; key 0 is the most popular one. */
export function zipfSequence({ keys, count, exponent, random }: ZipfOptions): number[] {
  const cumulated: number[] = []
  let total = 0
  for (let rank = 1; rank <= keys; rank += 1) {
    total += rank ** -exponent
    cumulated.push(total)
  }
  return Array.from({ length: count }, () => firstAbove(cumulated, random() * total))
}

/** Position of the first of the ascending `values` that is above `limit`. */
function firstAbove(values: readonly number[], limit: number): number {
  let low = 0
  let high = values.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((values[middle] ?? Number.POSITIVE_INFINITY) > limit) high = middle
    else low = middle + 1
  }
  return low
}
