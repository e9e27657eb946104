import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Result } from './bench.ts'
import type { BenchOptions } from './options.ts'
import { loadWorkload, type Workload } from './workload.ts'

/** Runs benches one after the other, prints their figures and writes them down. */
export async function runBenches(
  { benches, json, traces, limit, minutes }: BenchOptions,
  write: (line: string) => void,
): Promise<void> {
  const results: Result[] = []
  const directory = process.env.FRESHET_CALLER_DIR ?? process.cwd()
  const files = traces.flatMap((trace) => filesAt(resolve(directory, trace)))
  const loading = new Map<string | null, Promise<Workload>>()
  const load = (file: string | null) => {
    const known = loading.get(file) ?? loadWorkload(file, limit)
    loading.set(file, known)
    return known
  }
  const input = {
    minutes,
    workload: () => load(files[0] ?? null),
    workloads: () => Promise.all(files.length === 0 ? [load(null)] : files.map(load)),
  }
  for (const bench of benches) {
    write(`\n${bench.name}: ${bench.about}`)
    const own = (await bench.run(write, input)).map((result) => ({ bench: bench.name, ...result }))
    write(tableOf(own))
    results.push(...own)
  }
  if (json === null) return
  writeFileSync(resolve(directory, json), `${JSON.stringify({ results }, null, 2)}\n`)
}

/**
 * The traces that a path names: itself, or those in the folder that it is.
 * @throws Error of a path that is not there
 */
export function filesAt(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path)
    .filter((name) => /\.txt(\.gz|\.br)?$/.test(name))
    .sort()
    .map((name) => join(path, name))
}

/** Figures as a table for people. */
export function tableOf(results: readonly Result[]): string {
  const rows = [
    ['system', 'metric', 'value', 'ratio'],
    ...results.map(({ system, metric, value, ratio }) => [
      system,
      metric,
      number(value),
      ratio === null ? '' : `${number(ratio)} ×`,
    ]),
  ]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      `  ${row.map((cell, column) => pad(cell, column, widths[column] ?? 0)).join('  ')}`.trimEnd(),
    )
    .join('\n')
}

/** Words to the left, figures to the right. */
function pad(cell: string, column: number, width: number): string {
  return column < 2 ? cell.padEnd(width) : cell.padStart(width)
}

function number(value: number): string {
  return value >= 1000
    ? Math.round(value).toLocaleString('en-US')
    : value.toLocaleString('en-US', { maximumSignificantDigits: 3 })
}
