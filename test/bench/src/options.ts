import { parseArgs } from 'node:util'
import type { Bench } from './bench.ts'

/** What `npm run bench` was asked for. */
export interface BenchOptions {
  benches: readonly Bench[]
  /** File for the results as JSON. */
  json: string | null
  /** File with a trace of requests; null for a synthetic workload. */
  trace: string | null
  /** Requests that are read of it. */
  limit: number
}

const LIMIT = 200_000

/** @param all the benches that there are */
export function benchHelp(all: readonly Bench[]): string {
  return `npm run bench -- [OPTIONS]: measures, and fails where a figure is not what it has to be.

  --only LIST    comma separated: ${all.map(({ name }) => name).join(', ')}; default all
  --json FILE    the figures as JSON
  --trace FILE   a trace of requests, one key a line, for the benches that read one; without it, a synthetic workload
  --limit N      requests that are read of it; default ${LIMIT}
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
      trace: { type: 'string' },
      limit: { type: 'string' },
    },
    strict: true,
    allowPositionals: false,
  })
  const names = values.only?.split(',') ?? all.map(({ name }) => name)
  const benches = names.map((name) => {
    const found = all.find((bench) => bench.name === name)
    if (found === undefined)
      throw new Error(`there is no bench "${name}"; there are: ${all.map((one) => one.name).join(', ')}`)
    return found
  })
  const limit = Number(values.limit ?? LIMIT)
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw new Error(`--limit takes a whole number of requests from 1, not "${values.limit}"`)
  return { benches, json: values.json ?? null, trace: values.trace ?? null, limit }
}
