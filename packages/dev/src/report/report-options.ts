import { CREDENTIALS_HELP, type LocalAdmin, readTarget, type Target } from '../administrator.ts'
import { parseFlags } from '../arguments/parse-flags.ts'

/** What `npm run report` was asked for. */
export interface ReportOptions extends Target {
  help: boolean
  /** Where the report goes; null: to standard output. */
  out: string | null
}

export const REPORT_HELP = `npm run report [-- OPTIONS]: writes what a running system's statistics say, in Markdown with charts (Mermaid).

  --url URL       an API Worker; default http://localhost:8787
  --out FILE      where to write it; default: standard output
  --help          this page

${CREDENTIALS_HELP}`

/**
 * Reads the command line and the environment.
 * @throws UsageError that says what is wrong and what would be right
 */
export function parseReportOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  local: LocalAdmin,
): ReportOptions {
  const flags = parseFlags(argv, {
    url: { type: 'string', default: 'http://localhost:8787' },
    out: { type: 'string' },
    help: { type: 'boolean', default: false },
  })
  return { help: flags.help, out: flags.out ?? null, ...readTarget(flags.url, env, local, !flags.help) }
}
