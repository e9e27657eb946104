import { writeFile } from 'node:fs/promises'
import type { Measurements } from './measurements.ts'
import { type ReplayContext, type ReplayResult, replay } from './replay.ts'
import { REPLAY_HELP, type ReplayOptions } from './replay-options.ts'
import { tableOf } from './table.ts'

/** `npm run replay`: replays, prints the table and what went wrong, and answers the exit status. */
export async function runReplay(options: ReplayOptions, context: ReplayContext): Promise<number> {
  const { write, signal } = context
  if (options.help) {
    write(REPLAY_HELP)
    return 0
  }
  let result: ReplayResult
  try {
    result = await replay(options, context)
  } catch (error) {
    if (!signal.aborted) throw error
    write('stopped before the end: no figures')
    return INTERRUPTED
  }
  const { figures, measured } = result
  write(`\n${tableOf(figures)}`)
  for (const line of measured.flatMap(complaints)) write(line)
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(figures, null, 2)}\n`)
  return figures.staleReads + figures.errors > 0 ? 1 : 0
}

/** As a shell reports a program that Ctrl-C ended. */
const INTERRUPTED = 130

function complaints({ staleExamples, errorExamples }: Measurements): string[] {
  return [
    ...staleExamples.map(
      ({ id, url, version, allowed, source }) =>
        `stale: ${id} read from ${url} (${source}) had version ${version}, at least ${allowed} was due`,
    ),
    ...errorExamples.map((message) => `error: ${message}`),
  ]
}
