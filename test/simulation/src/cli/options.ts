import { parseArgs } from 'node:util'
import * as v from 'valibot'
import type { Scenario } from '../workload/scenario.ts'
import { scenarioNamed, scenarios } from '../workload/scenarios.ts'

/** What `npm run simulate` was asked for. */
export interface SimulateOptions {
  seeds: number
  firstSeed: number
  scenarios: readonly Scenario[]
  /** One scenario a seed, in turn, instead of all of them. */
  deal: boolean
  mutants: boolean
  designs: boolean
  /** File for the figures as JSON. */
  json: string | null
  /** Print every event of each run. */
  trace: boolean
  /** Sizes that differ from the scenario's own: a shrunk case. */
  overrides: Overrides
  threads: number | null
}

const number = v.pipe(v.number(), v.minValue(0))
const Empty = v.union([v.pipe(v.array(v.unknown()), v.length(0)), v.strictObject({})])

/** Fields of a scenario that shrinking may change; a list or table of troubles can only be emptied. */
const OverridesSchema = v.strictObject({
  durationMs: v.optional(number),
  locations: v.optional(number),
  isolatesPerLocation: v.optional(number),
  clients: v.optional(number),
  readsPerRequest: v.optional(number),
  killEveryMs: v.optional(number),
  freezeEveryMs: v.optional(number),
  cancelShare: v.optional(number),
  consumerCrashShare: v.optional(number),
  quietEveryMs: v.optional(number),
  deployEveryMs: v.optional(number),
  poisonEveryMs: v.optional(number),
  strongShare: v.optional(number),
  shortShare: v.optional(number),
  troubles: v.optional(Empty),
  always: v.optional(Empty),
})
export type Overrides = v.InferOutput<typeof OverridesSchema>

/** A scenario with some of its sizes changed. */
export function withOverrides(scenario: Scenario, { troubles, always, ...sizes }: Overrides): Scenario {
  const given = Object.fromEntries(Object.entries(sizes).filter(([, value]) => value !== undefined))
  return { ...scenario, ...given, ...(troubles && { troubles: [] }), ...(always && { always: {} }) }
}

const FLAGS = {
  seeds: { type: 'string', default: '20' },
  'first-seed': { type: 'string', default: '1' },
  scenario: { type: 'string', default: 'all' },
  deal: { type: 'boolean', default: false },
  mutants: { type: 'boolean', default: false },
  designs: { type: 'boolean', default: false },
  json: { type: 'string' },
  trace: { type: 'boolean', default: false },
  with: { type: 'string', default: '{}' },
  threads: { type: 'string' },
} as const

export const SIMULATE_HELP = `npm run simulate -- [OPTIONS]: attacks the cache in a world of late KV, unreliable queues and failing D1.

  --seeds N         runs of each scenario; default ${FLAGS.seeds.default}
  --first-seed N    the first one's seed; default ${FLAGS['first-seed'].default}
  --scenario LIST   comma separated, or all: ${scenarios.map(({ name }) => name).join(', ')}; default all
  --deal            one scenario a seed, in turn, instead of all of them
  --mutants         also break the protocol in one place at a time: each must be found out
  --designs         also run known designs of caches in the same world
  --json FILE       the figures as JSON
  --threads N       default: one a core
  --trace           print every event of each run
  --with JSON       sizes that differ from the scenario's, as a shrunk case is printed with them
  --help            this page

Status 1 when a promise was broken, or a mutant was not found out.`

/**
 * Reads the command line.
 * @throws Error that says what is wrong and what may be written instead
 */
export function parseOptions(argv: readonly string[]): SimulateOptions {
  const { values } = parseArgs({ args: [...argv], options: FLAGS, strict: true, allowPositionals: false })
  const isReplay = values.trace || values.with !== '{}'
  if (isReplay && (values.json !== undefined || values.mutants || values.designs || values.deal)) {
    throw new Error(
      '--trace and --with show single runs again; --json, --mutants, --designs and --deal count many',
    )
  }
  return {
    seeds: whole('seeds', values.seeds),
    firstSeed: whole('first-seed', values['first-seed']),
    scenarios: values.scenario === 'all' ? scenarios : values.scenario.split(',').map(scenarioNamed),
    deal: values.deal,
    mutants: values.mutants,
    designs: values.designs,
    json: values.json ?? null,
    trace: values.trace,
    overrides: v.parse(v.pipe(v.string(), v.parseJson(), OverridesSchema), values.with),
    threads: values.threads === undefined ? null : whole('threads', values.threads),
  }
}

function whole(name: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new Error(`--${name} is "${text}"; it may be a whole number from 1 on`)
  return Number(text)
}
