import { resolve } from 'node:path'
import { wholeNumber } from '../arguments/numbers.ts'
import { parseFlags } from '../arguments/parse-flags.ts'

/** What `npm run kills` was asked for. */
export interface KillsOptions {
  help: boolean
  /** How many writes must be answered. */
  events: number
  /** How often the stack is killed meanwhile. */
  kills: number
  /** Seed of which posts are written and when the stack is killed. */
  seed: number
  /** Where the figures go as JSON. */
  json: string | undefined
}

export const KILLS_HELP = `npm run kills -- [OPTIONS]: kills the whole local stack (SIGKILL) at random moments while writes flow, starts it again over
the same state, has the relay bring back what the queues lost, and checks that nothing is lost and nothing done twice.

  --events N   writes that must be answered, 1 to 100000; default 2000
  --kills N    how often the stack is killed meanwhile, 0 to 1000; default 20
  --seed N     seed of which posts are written and when the stack is killed; default 1
  --json FILE  writes the figures there too
  --help       this page

Exit status 1 when anything was lost, done twice, or read wrong.`

/** Reads the command line; the file is relative to where the user typed it. */
export function parseKillsOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): KillsOptions {
  const flags = parseFlags(argv, {
    events: { type: 'string', default: '2000' },
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  })
  return {
    help: flags.help,
    events: wholeNumber('--events', flags.events, { min: 1, max: 100_000 }),
    kills: wholeNumber('--kills', flags.kills, { min: 0, max: 1_000 }),
    seed: wholeNumber('--seed', flags.seed, { min: 0, max: 2 ** 32 - 1 }),
    json: flags.json === undefined ? undefined : resolve(env.FRESHET_CALLER_DIR ?? '.', flags.json),
  }
}
