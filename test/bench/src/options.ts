import { parseArgs } from 'node:util'
import type { Bench } from './bench.ts'

/** What `npm run bench` was asked for. */
export interface BenchOptions {
  benches: readonly Bench[]
  /** File for the results as JSON. */
  json: string | null
  /** Files with traces of requests, or folders of them; none for a synthetic workload. */
  traces: readonly string[]
  /** Requests that are read of it. */
  limit: number
  /** How long a bench watches that watches something. */
  minutes: number
}

const LIMIT = 200_000
const MINUTES = 10

/** @param all the benches that there are */
export function benchHelp(all: readonly Bench[]): string {
  return `npm run bench -- [OPTIONS]: measures, and fails where a figure is not what it has to be.

  --only LIST    comma separated: ${all.map(({ name }) => name).join(', ')}; default all
                 but ${long(all)}, which takes its time
  --json FILE    the figures as JSON
  --trace PATH   a trace of requests, one key a line, or a folder of *.txt, *.txt.gz and *.txt.br; may be given more than
                 once: hit-ratio reads all, other benches the first; without it, a synthetic workload
  --limit N      requests that are read of it; default ${LIMIT}
  --minutes N    for memory; default ${MINUTES}
  --help         this page`
}

/**
 * Reads the command line.
 * @throws Error that says what is wrong and what may be written instead
 */
export function parseOptions(argv: readonly string[], all: readonly Bench[]): BenchOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string' },
      json: { type: 'string' },
      trace: { type: 'string', multiple: true },
      limit: { type: 'string' },
      minutes: { type: 'string' },
    },
    strict: true,
    allowPositionals: false,
  })
  const names = values.only?.split(',') ?? all.filter(({ isLong }) => !isLong).map(({ name }) => name)
  const benches = names.map((name) => {
    const found = all.find((bench) => bench.name === name)
    if (found === undefined)
      throw new Error(`there is no bench "${name}"; there are: ${all.map((one) => one.name).join(', ')}`)
    return found
  })
  const limit = positive('--limit', 'requests', values.limit, LIMIT)
  const minutes = positive('--minutes', 'minutes', values.minutes, MINUTES)
  return { benches, json: values.json ?? null, traces: values.trace ?? [], limit, minutes }
}

function long(all: readonly Bench[]): string {
  return all
    .filter(({ isLong }) => isLong)
    .map(({ name }) => name)
    .join(', ')
}

function positive(flag: string, what: string, text: string | undefined, fallback: number): number {
  const number = Number(text ?? fallback)
  if (!Number.isSafeInteger(number) || number < 1)
    throw new Error(`${flag} takes a whole number of ${what} from 1, not "${text}"`)
  return number
}
