/** A line or bars over the same steps as the others of its chart. */
export interface Series {
  kind: 'line' | 'bar'
  values: readonly number[]
}

/** More labels than this run into each other. */
const MAX_LABELS = 12

/**
 * A chart as GitHub and others draw it (Mermaid's xychart).
 * @param labels one for each step; of many, only some are shown
 */
export function chart(
  title: string,
  yAxis: string,
  labels: readonly string[],
  series: readonly Series[],
): string {
  const top = Math.max(...series.flatMap(({ values }) => values), 0)
  const every = Math.ceil(labels.length / MAX_LABELS)
  const shown = labels.map((label, i) => `"${i % every === 0 ? label : ' '.repeat(1 + (i % every))}"`)
  return [
    '```mermaid',
    'xychart-beta',
    `  title "${title}"`,
    `  x-axis [${shown.join(', ')}]`,
    `  y-axis "${yAxis}" 0 --> ${round(top === 0 ? 1 : top * 1.05)}`,
    ...series.map(({ kind, values }) => `  ${kind} [${values.map(round).join(', ')}]`),
    '```',
  ].join('\n')
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
