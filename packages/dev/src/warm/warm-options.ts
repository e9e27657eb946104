import { CREDENTIALS_HELP, type LocalAdmin, readTarget, type Target } from '../administrator.ts'
import { wholeNumber } from '../arguments/numbers.ts'
import { parseFlags } from '../arguments/parse-flags.ts'

/** What `npm run warm` was asked for. */
export interface WarmOptions extends Target {
  help: boolean
  /** How long to watch, in seconds. */
  timeoutSeconds: number
}

export const WARM_HELP = `npm run warm [-- OPTIONS]: has the consumer warm everything anew, and watches until it is done.

Deploy the consumer with a new CACHE_VERSION first, run this, then deploy the API: it finds its keys warm.

  --url URL       an API Worker; default http://localhost:8787
  --timeout N     how long to watch, in seconds, 1 to 3600; default 300
  --help          this page

${CREDENTIALS_HELP}`

/**
 * Reads the command line and the environment.
 * @throws UsageError that says what is wrong and what would be right
 */
export function parseWarmOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  local: LocalAdmin,
): WarmOptions {
  const flags = parseFlags(argv, {
    url: { type: 'string', default: 'http://localhost:8787' },
    timeout: { type: 'string', default: '300' },
    help: { type: 'boolean', default: false },
  })
  return {
    help: flags.help,
    ...readTarget(flags.url, env, local, !flags.help),
    timeoutSeconds: wholeNumber('--timeout', flags.timeout, { min: 1, max: 3_600 }),
  }
}
