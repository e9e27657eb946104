import { wholeNumber } from '../arguments/numbers.ts'
import { parseFlags } from '../arguments/parse-flags.ts'
import { UsageError } from '../arguments/usage-error.ts'

/** What `npm run warm` was asked for. */
export interface WarmOptions {
  help: boolean
  /** Base URL of an API Worker, without a final slash. */
  url: string
  email: string
  password: string
  /** How long to watch, in seconds. */
  timeoutSeconds: number
}

/** Whom the local seed knows as an administrator. */
export interface LocalAdmin {
  email: string
  password: string
}

export const WARM_HELP = `npm run warm [-- OPTIONS]: has the consumer warm everything anew, and watches until it is done.

Deploy the consumer with a new CACHE_VERSION first, run this, then deploy the API: it finds its keys warm.

  --url URL       an API Worker; default http://localhost:8787
  --timeout N     how long to watch, in seconds, 1 to 3600; default 300
  --help          this page

Variables:
  FRESHET_EMAIL, FRESHET_PASSWORD   an administrator; for a local URL the seeded one is the default`

/**
 * Reads the command line and the environment. The password comes from the environment alone: arguments are seen by others.
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
  if (!URL.canParse(flags.url) || !/^https?:$/.test(new URL(flags.url).protocol))
    throw new UsageError(`--url is "${flags.url}"; it may be an address such as https://api.example.com`)
  const { hostname, href } = new URL(flags.url)
  const isLocal = hostname === 'localhost' || hostname === '127.0.0.1'
  const email = env.FRESHET_EMAIL ?? (isLocal ? local.email : undefined)
  const password = env.FRESHET_PASSWORD ?? (isLocal ? local.password : undefined)
  if (!flags.help && (email === undefined || password === undefined))
    throw new UsageError(`set FRESHET_EMAIL and FRESHET_PASSWORD to an administrator of ${hostname}`)
  return {
    help: flags.help,
    url: href.replace(/\/$/, ''),
    email: email ?? '',
    password: password ?? '',
    timeoutSeconds: wholeNumber('--timeout', flags.timeout, { min: 1, max: 3_600 }),
  }
}
