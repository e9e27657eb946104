/** A line or bars over the same steps as the others of its chart. */
export interface Series {
  kind: 'line' | 'bar'
  /** The last one is of now. Null: nothing is known of the step, which is drawn like the one before. */
  values: readonly (number | null | undefined)[]
}

/**
 * A chart as GitHub and others draw it (Mermaid's xychart).
 * @param unit what a step is, such as `minutes`
 */
export function chart(title: string, unit: string, yAxis: string, series: readonly Series[]): string {
  const drawn = series.map(({ kind, values }) => ({ kind, values: withoutGaps(values) }))
  const top = Math.max(...drawn.flatMap(({ values }) => values), 0)
  const steps = Math.max(...series.map(({ values }) => values.length))
  return [
    '```mermaid',
    'xychart-beta',
    `  title "${title}"`,
    `  x-axis "${unit} ago" ${1 - steps} --> 0`,
    `  y-axis "${yAxis}" 0 --> ${round(top === 0 ? 1 : top * 1.05)}`,
    ...drawn.map(({ kind, values }) => `  ${kind} [${values.map(round).join(', ')}]`),
    '```',
  ].join('\n')
}

function withoutGaps(values: Series['values']): number[] {
  let last = values.find((value) => typeof value === 'number') ?? 0
  return values.map((value) => {
    last = value ?? last
    return last
  })
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
