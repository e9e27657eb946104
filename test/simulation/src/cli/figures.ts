import { CLASSES, PROPERTIES, type Property, type Verdicts } from '../check/verdicts.ts'
import type { Hunted } from '../mutants/hunt.ts'

/** What a known design came to, in Freshet's place. */
export interface DesignFigures {
  name: string
  reads: number
  violations: Record<Property, number>
  hitRate: number
}

/** The figures of `--json`. */
export interface Figures {
  reads: number
  readsAtRisk: number
  seeds: number
  readsPerSecond: number
  violations: Record<Property, number>
  hitRate: number
  stalenessMs: { p50: number; p99: number; p999: number; max: number }
  failed: number
  exempt: number
  mutants?: Hunted[]
  designs?: DesignFigures[]
}

/** The share of reads that a tier answered, of those that went through the cache. */
export function hitRateOf({ hits, misses, stale }: Pick<Verdicts, 'hits' | 'misses' | 'stale'>): number {
  return hits / Math.max(1, hits + misses + stale)
}

/** Adds up what all runs came to. */
export function figuresOf(verdicts: Verdicts, seeds: number, seconds: number): Figures {
  return {
    reads: verdicts.reads,
    readsAtRisk: verdicts.readsAtRisk,
    seeds,
    readsPerSecond: Math.round(verdicts.reads / seconds),
    violations: { ...verdicts.violations },
    hitRate: hitRateOf(verdicts),
    failed: verdicts.failed,
    exempt: verdicts.exempt,
    stalenessMs: {
      p50: verdicts.stalenessAt(0.5),
      p99: verdicts.stalenessAt(0.99),
      p999: verdicts.stalenessAt(0.999),
      max: verdicts.stalenessAt(1),
    },
  }
}

/** Scenarios × properties: how often each was checked, or how often it was violated. */
export function scenarioTable(rows: readonly { name: string; verdicts: Verdicts }[]): string {
  const header = ['scenario', 'reads', 'at risk', 'exempt', 'hit rate', ...PROPERTIES]
  const lines = rows.map(({ name, verdicts }) => [
    name,
    count(verdicts.reads),
    count(verdicts.readsAtRisk),
    count(verdicts.exempt),
    percent(hitRateOf(verdicts)),
    ...PROPERTIES.map((property) => {
      if (verdicts.violations[property] > 0) return `✗ ${verdicts.violations[property]}`
      return verdicts.checked[property] > 0 ? '✓' : '–'
    }),
  ])
  return table([header, ...lines])
}

/** How stale answers were, by the Δ that they were asked with. */
export function stalenessTable(verdicts: Verdicts): string {
  return table([
    ['staleness', 'reads', 'p50', 'p99', 'p99.9', 'max'],
    ...CLASSES.map((name) => {
      const bins = verdicts.byClass[name]
      const at = (share: number) => `${verdicts.stalenessAt(share, bins)} ms`
      return [name, count(bins.reduce((sum, n) => sum + n, 0)), at(0.5), at(0.99), at(0.999), at(1)]
    }),
  ])
}

export function mutantTable(hunted: readonly Hunted[]): string {
  return table([
    ['mutant', 'killed by', 'seed', 'rule'],
    ...hunted.map(({ name, killed, seed, scenario, property, rule }) => [
      name,
      killed ? `${property} in ${scenario}` : 'ALIVE',
      seed === null ? '' : String(seed),
      rule,
    ]),
  ])
}

/** Freshet and the known designs over the same runs. */
export function designTable(designs: readonly DesignFigures[]): string {
  const row = (name: string, reads: number, violations: Record<Property, number>, hitRate: number) => [
    name,
    count(reads),
    percent(hitRate),
    ...(['P1', 'P2'] as const).map(
      (property) => `${count(violations[property])} (${percent(violations[property] / reads)})`,
    ),
  ]
  return table([
    ['design', 'reads', 'hit rate', 'P1 violated', 'P2 violated'],
    ...designs.map(({ name, reads, violations, hitRate }) => row(name, reads, violations, hitRate)),
  ])
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
    .join('\n')
}

export function count(value: number): string {
  return value.toLocaleString('en-US')
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`
}
