import { decimalNumber, wholeNumber } from '../arguments/numbers.ts'
import { parseFlags } from '../arguments/parse-flags.ts'
import { UsageError } from '../arguments/usage-error.ts'

/** What `npm start` was asked for. */
export interface StartOptions {
  help: boolean
  /** How many API Workers. */
  apiWorkers: number
  /** Whether to begin with an empty, newly seeded database. */
  fresh: boolean
  /** Whether the consumer runs. */
  consumer: boolean
  /** Port of the first API Worker; the others follow. */
  port: number
  /** Seconds between two calls of the consumer's `scheduled()`. */
  cronSeconds: number
}

/** Each API Worker is an isolate with a memory cache of its own: more than these would only swap. */
const MAX_API_WORKERS = 8
const MAX_PORT = 65_535
const SECONDS_PER_DAY = 86_400

export const START_HELP = `npm start [-- OPTIONS]: both Workers in a local workerd, over a migrated and seeded database.

  --api N         N API Workers (1 to ${MAX_API_WORKERS}), each an isolate of its own over the same KV, D1 and queues; default 1
  --fresh         begin with an empty, newly seeded database instead of what the last run left
  --no-consumer   leave the consumer out: nothing is warmed, freshness must hold all the same
  --help          this page

Variables:
  PORT            port of the first API Worker, the others listen on the next ones; default 8787
  CRON_SECONDS    how often the consumer's scheduled() is called; default 60
  EVENTS_SECRET   what POST /events is signed with; without it that route answers 503
  CACHE_*, CORS_ORIGINS, …   the Workers' settings, instead of those in wrangler.jsonc`

/** Reads the command line and the environment of `npm start`. */
export function parseStartOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): StartOptions {
  const flags = parseFlags(argv, {
    api: { type: 'string', default: '1' },
    fresh: { type: 'boolean', default: false },
    'no-consumer': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  })
  const apiWorkers = wholeNumber('--api', flags.api, { min: 1, max: MAX_API_WORKERS })
  const port = wholeNumber('PORT', env.PORT ?? '8787', { min: 1, max: MAX_PORT })
  if (port + apiWorkers - 1 > MAX_PORT) {
    throw new UsageError(
      `PORT is ${port}, but with --api ${apiWorkers} must be at most ${MAX_PORT - apiWorkers + 1}`,
    )
  }
  return {
    help: flags.help,
    apiWorkers,
    fresh: flags.fresh,
    consumer: !flags['no-consumer'],
    port,
    cronSeconds: decimalNumber('CRON_SECONDS', env.CRON_SECONDS ?? '60', { min: 0.1, max: SECONDS_PER_DAY }),
  }
}
