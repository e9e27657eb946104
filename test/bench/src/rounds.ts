/** The middle one of some figures. @throws RangeError for none */
export function median(values: readonly number[]): number {
  const middle = [...values].sort((a, b) => a - b)[values.length >> 1]
  if (middle === undefined) throw new RangeError('no figures')
  return middle
}
