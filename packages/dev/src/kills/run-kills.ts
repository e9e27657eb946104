import { writeFile } from 'node:fs/promises'
import { type KillsContext, kills } from './kills.ts'
import { KILLS_HELP, type KillsOptions } from './kills-options.ts'
import { killsTable } from './kills-table.ts'

/** Failures that are printed; all are counted, and in the JSON. */
const SHOWN = 20

/** `npm run kills`: prints the table and what went wrong, and answers the exit status. */
export async function runKills(options: KillsOptions, context: KillsContext): Promise<number> {
  const { write } = context
  if (options.help) {
    write(KILLS_HELP)
    return 0
  }
  const figures = await kills(options, context)
  write(`\n${killsTable(figures)}`)
  for (const failure of figures.failures.slice(0, SHOWN)) write(`failure: ${failure}`)
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(figures, null, 2)}\n`)
  return figures.failures.length > 0 ? 1 : 0
}
