import { resolve } from 'node:path'
import { decimalNumber, wholeNumber } from '../arguments/numbers.ts'
import { parseFlags } from '../arguments/parse-flags.ts'
import { UsageError } from '../arguments/usage-error.ts'
import { PLAN_DELAYS } from './latency.ts'

/** What `npm run replay` was asked for. */
export interface ReplayOptions {
  help: boolean
  /** File of the request trace; without one a Zipf workload is made. */
  trace: string | undefined
  /** How many requests at most. */
  limit: number
  /** Share of the requests that become writes. */
  writes: number
  /** Share of the requests, the first ones, that only teach the caches; the others are measured. */
  train: number
  /** Whether the scheduled warm batch runs. */
  warm: boolean
  /** Whether D1 and KV take as long as the plan says. */
  latency: boolean
  /** How many requests are under way at a time. */
  concurrency: number
  /** Seed of the workload and of which requests write. */
  seed: number
  /** Where the figures go as JSON. */
  json: string | undefined
}

const MAX_LIMIT = 10_000_000
/** Without a trace, and without --limit. */
const DEFAULT_ZIPF_REQUESTS = 20_000

export const REPLAY_HELP = `npm run replay -- [OPTIONS]: drives two API Workers and the consumer with a request trace, on a database of its own.

  --trace FILE      one key a line, .gz and .br are unpacked; without it, a Zipf workload
  --limit N         the first N requests only; default all of a trace, ${DEFAULT_ZIPF_REQUESTS} without one
  --writes SHARE    share of the requests that become writes, 0 to 1; default 0.01
  --train SHARE     share of the requests, the first ones, that are not measured: they fill KV and teach the consumer what
                    is popular. Then its scheduled warm batch runs, the Workers start anew over the same KV and D1, and
                    the rest is measured. 0 to less than 1; default 0
  --no-warm         without the scheduled warm batch, now or later, to compare with
  --latency         D1 takes ${PLAN_DELAYS.d1Ms} ms a call and KV ${PLAN_DELAYS.kvMs} ms, as the plan has it, for all Workers
  --concurrency N   measured requests under way at a time, 1 to 256; default 8, as more only wait for each other
                    on a machine that runs both the Workers and their callers
  --seed N          seed of the workload and of which requests write; default 1
  --json FILE       writes the figures there too
  --help            this page

Exit status 1 when a read was staler than the bound allows, or a request failed, measured or not. The Workers' settings (CACHE_*) are taken
from the environment.`

/** Reads the command line; files are relative to where the user typed it. */
export function parseReplayOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ReplayOptions {
  const flags = parseFlags(argv, {
    trace: { type: 'string' },
    limit: { type: 'string' },
    writes: { type: 'string', default: '0.01' },
    train: { type: 'string', default: '0' },
    'no-warm': { type: 'boolean', default: false },
    latency: { type: 'boolean', default: false },
    concurrency: { type: 'string', default: '8' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  })
  const path = (file: string | undefined) =>
    file === undefined ? undefined : resolve(env.FRESHET_CALLER_DIR ?? '.', file)
  const allRequests = flags.trace === undefined ? DEFAULT_ZIPF_REQUESTS : MAX_LIMIT
  return {
    help: flags.help,
    trace: path(flags.trace),
    limit:
      flags.limit === undefined
        ? allRequests
        : wholeNumber('--limit', flags.limit, { min: 1, max: MAX_LIMIT }),
    writes: decimalNumber('--writes', flags.writes, { min: 0, max: 1 }),
    train: trainShare(flags.train),
    warm: !flags['no-warm'],
    latency: flags.latency,
    concurrency: wholeNumber('--concurrency', flags.concurrency, { min: 1, max: 256 }),
    seed: wholeNumber('--seed', flags.seed, { min: 0, max: 2 ** 32 - 1 }),
    json: path(flags.json),
  }
}

/** Something must be left to measure. */
function trainShare(text: string): number {
  const share = decimalNumber('--train', text, { min: 0, max: 1 })
  if (share === 1) throw new UsageError('--train is "1", but must be less: something must be left to measure')
  return share
}
