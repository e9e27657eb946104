import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Presets, SingleBar } from 'cli-progress'
import type { PlainVerdicts } from '../check/verdicts.ts'
import { type Property, Verdicts } from '../check/verdicts.ts'
import { designs } from '../designs/table.ts'
import { type Hunted, hunt } from '../mutants/hunt.ts'
import { mutants } from '../mutants/table.ts'
import { runAll } from '../run/pool.ts'
import { runOne } from '../run/run-one.ts'
import type { Job } from '../run/thread.ts'
import {
  count,
  type DesignFigures,
  designTable,
  type Figures,
  figuresOf,
  hitRateOf,
  mutantTable,
  percent,
  scenarioTable,
  stalenessTable,
} from './figures.ts'
import { type SimulateOptions, withOverrides } from './options.ts'
import { shrink } from './shrink.ts'

/** Seeds that a mutant may live. */
const MUTANT_SEEDS = 200
/** Seeds of each scenario that a known design runs: it fails at once. */
const DESIGN_SEEDS = 3
/** Lines of the trace that are shown around a violation. */
const TRACE_BEFORE = 60
/** Failing runs that are named; one of them is shrunk and told. */
const MOST_LISTED = 20
const TRACE_AFTER = 5

/** A run that violated something, or that came to no end. */
interface Failure {
  seed: number
  scenario: string
  property: Property | null
  what: string
}

/** Runs what was asked for. @returns whether all is well: nothing of ours violated, no mutant alive */
export async function simulate(options: SimulateOptions, write: (line: string) => void): Promise<boolean> {
  if (Object.keys(options.overrides).length > 0 || options.trace) return replay(options, write)
  const { verdicts, failures, seconds, rows } = await runScenarios(options)
  const figures = figuresOf(verdicts, options.seeds, seconds)
  write(scenarioTable(rows))
  write(stalenessTable(verdicts))
  write(summary(figures, verdicts, seconds))
  if (options.designs) {
    const { ours, others } = await runDesigns(options)
    figures.designs = others
    write(designTable([ours, ...others]))
  }
  if (options.mutants) {
    figures.mutants = await runMutants(options)
    write(mutantTable(figures.mutants))
    write(
      `${figures.mutants.filter(({ killed }) => killed).length} of ${figures.mutants.length} mutants killed`,
    )
  }
  if (options.json !== null) {
    writeFileSync(resolve(callerDirectory(), options.json), `${JSON.stringify(figures, null, 2)}\n`)
  }
  for (const { seed, scenario, property, what } of failures.slice(0, MOST_LISTED))
    write(`seed ${seed} of ${scenario} ${property === null ? 'broke off' : `violates ${property}`}: ${what}`)
  await explain(failures, options, write)
  return failures.length === 0 && (figures.mutants ?? []).every(({ killed }) => killed)
}

async function runScenarios({ scenarios, seeds, firstSeed, threads, deal }: SimulateOptions) {
  const rows = scenarios.map(({ name }) => ({ name, verdicts: new Verdicts() }))
  const failures: Failure[] = []
  const bar = progress('runs', seeds * (deal ? 1 : scenarios.length))
  const began = performance.now()
  function* jobs() {
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      for (const [i, { name }] of scenarios.entries()) {
        if (!deal || i === seed % scenarios.length) yield { seed, scenario: name, design: null }
      }
    }
  }
  const done = ({ seed, scenario }: Job, verdicts: PlainVerdicts) => {
    rows.find(({ name }) => name === scenario)?.verdicts.add(verdicts)
    if (verdicts.first !== null) failures.push({ ...verdicts.first, seed, scenario })
    bar.increment()
  }
  const broke = ({ seed, scenario }: Job, error: unknown) => {
    failures.push({ seed, scenario, property: null, what: String(error) })
    bar.increment()
  }
  await runAll(jobs(), threads, done, broke)
  bar.stop()
  const verdicts = new Verdicts()
  for (const row of rows) verdicts.add(row.verdicts)
  failures.sort((a, b) => a.seed - b.seed)
  return { verdicts, failures, rows, seconds: (performance.now() - began) / 1000 }
}

async function runDesigns({
  scenarios,
  firstSeed,
  threads,
  seeds,
}: SimulateOptions): Promise<{ ours: DesignFigures; others: DesignFigures[] }> {
  const suited = scenarios.filter(({ suitsDesigns }) => suitsDesigns)
  const count = Math.min(seeds, DESIGN_SEEDS)
  const bar = progress('known designs', (designs.length + 1) * suited.length * count)
  // Ours over the same runs comes first.
  const all = [null, ...designs.map(({ name }) => name)].map((name) => ({ name, verdicts: new Verdicts() }))
  const jobs = all.flatMap(({ name }) =>
    suited.flatMap((scenario) =>
      Array.from({ length: count }, (_, i) => ({
        seed: firstSeed + i,
        scenario: scenario.name,
        design: name,
      })),
    ),
  )
  const done = ({ design }: Job, verdicts: PlainVerdicts) => {
    all.find(({ name }) => name === design)?.verdicts.add(verdicts)
    bar.increment()
  }
  const broke = (_job: Job, error: unknown) => {
    throw error
  }
  await runAll(jobs, threads, done, broke)
  bar.stop()
  const [ours, ...others] = all.map(({ name, verdicts }) => ({
    name: name ?? 'Freshet',
    reads: verdicts.reads,
    violations: verdicts.violations,
    hitRate: hitRateOf(verdicts),
  }))
  if (ours === undefined) throw new Error('Freshet ran as well')
  return { ours, others }
}

async function runMutants({ threads, firstSeed }: SimulateOptions): Promise<Hunted[]> {
  const bar = progress('mutants', mutants.length)
  const hunted: Hunted[] = []
  const queue = mutants.values()
  const lane = async () => {
    for (const mutant of queue) {
      hunted.push(await hunt(mutant, MUTANT_SEEDS, firstSeed))
      bar.increment()
    }
  }
  await Promise.all(Array.from({ length: threads ?? 2 }, lane))
  bar.stop()
  return mutants.flatMap(({ name }) => hunted.filter((one) => one.name === name))
}

/** One case again, with its trace: what shrinking left of a failing seed. */
async function replay(options: SimulateOptions, write: (line: string) => void): Promise<boolean> {
  let isWell = true
  for (const scenario of options.scenarios) {
    for (let seed = options.firstSeed; seed < options.firstSeed + options.seeds; seed++) {
      const trace = options.trace ? { trace: write } : {}
      const verdicts = await runOne(seed, withOverrides(scenario, options.overrides), trace)
      write(
        `${scenario.name} ${seed}: ${verdicts.first === null ? 'nothing violated' : `${verdicts.first.property} violated at ${verdicts.first.at} ms: ${verdicts.first.what}`}`,
      )
      isWell &&= !verdicts.violated
    }
  }
  return isWell
}

/** Shrinks a failing run, and prints how to see it again and what happened around the violation. */
async function explain(
  failures: readonly Failure[],
  options: SimulateOptions,
  write: (line: string) => void,
): Promise<void> {
  const failure = failures.find(({ property }) => property !== null)
  const scenario = options.scenarios.find(({ name }) => name === failure?.scenario)
  if (scenario === undefined || failure === undefined || failure.property === null) return
  write(`\nshrinking seed ${failure.seed} of ${failure.scenario} …`)
  const { property, what } = failure
  const { seed, overrides } = await shrink(failure.seed, scenario, { property, what })
  const lines: string[] = []
  const { first } = await runOne(seed, withOverrides(scenario, overrides), {
    trace: (line) => lines.push(line),
  })
  const at = lines.findIndex((line) => Number.parseInt(line, 10) > (first?.at ?? 0))
  const until = at < 0 ? lines.length : at
  write(lines.slice(Math.max(0, until - TRACE_BEFORE), until + TRACE_AFTER).join('\n'))
  write(`\n${first?.property} at ${first?.at} ms: ${first?.what}`)
  write(
    `\nsee it again: npm run simulate -- --scenario ${failure.scenario} --first-seed ${seed} --seeds 1 --with '${JSON.stringify(overrides)}' --trace`,
  )
}

function summary(figures: Figures, verdicts: Verdicts, seconds: number): string {
  const { stalenessMs: s } = figures
  const violations = Object.values(figures.violations).reduce((sum, n) => sum + n, 0)
  return [
    '',
    `  reads checked    ${count(figures.reads)}, ${count(figures.readsAtRisk)} of them at risk; ${count(verdicts.exempt)} more while a restore was not found out`,
    `  violations       ${count(violations)}`,
    `  hit rate         ${percent(figures.hitRate)}, ${count(verdicts.stale)} labelled stale, ${count(verdicts.failed)} failed`,
    `  staleness        p50 ${s.p50} ms, p99 ${s.p99} ms, p99.9 ${s.p999} ms, max ${s.max} ms; Δ is 5,000 ms or less`,
    `  time             ${seconds.toFixed(0)} s, ${count(figures.readsPerSecond)} reads/s`,
    '',
  ].join('\n')
}

/** A path is relative to where it was typed; the script behind npm runs in the root. */
function callerDirectory(): string {
  const { FRESHET_CALLER_DIR: caller } = process.env
  return caller ?? process.cwd()
}

function progress(label: string, total: number): { increment(): void; stop(): void } {
  if (process.stderr.isTTY) {
    const bar = new SingleBar(
      { format: `${label} {bar} {value} of {total} | {duration_formatted}, {eta_formatted} to go` },
      Presets.shades_classic,
    )
    bar.start(total, 0)
    return { increment: () => bar.increment(), stop: () => bar.stop() }
  }
  let done = 0
  return {
    increment: () => {
      done++
      if (Math.floor((done * 10) / total) > Math.floor(((done - 1) * 10) / total))
        process.stderr.write(`${label}: ${done} of ${total}\n`)
    },
    stop: () => {},
  }
}
