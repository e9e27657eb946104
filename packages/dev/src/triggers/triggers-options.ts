import { resolve } from 'node:path'
import { TRIGGER_TABLES, type TriggerTable } from '@freshet/cms/triggers'
import { parseFlags } from '../arguments/parse-flags.ts'
import { UsageError } from '../arguments/usage-error.ts'

/** What `npm run triggers` was asked for. */
export interface TriggersOptions {
  help: boolean
  tables: readonly TriggerTable[]
  /** Whether to remove the triggers. */
  drop: boolean
  /** Where the SQL goes; without it, to the output. */
  out: string | undefined
}

export const TRIGGERS_HELP = `npm run triggers -- [OPTIONS]: SQL by which every write to a table invalidates, whoever makes it.

  --tables LIST   comma separated: ${TRIGGER_TABLES.join(',')}; default all
  --drop          the SQL that removes the triggers
  --out FILE      a new file for it, such as packages/cms/migrations/NNNN_triggers.sql (the next free number); without it, the SQL is printed
                  ("npm run --silent triggers", or npm's own lines stand before it)
  --help          this page`

/** Reads the command line; files are relative to where the user typed it. */
export function parseTriggersOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): TriggersOptions {
  const flags = parseFlags(argv, {
    tables: { type: 'string' },
    drop: { type: 'boolean', default: false },
    out: { type: 'string' },
    help: { type: 'boolean', default: false },
  })
  if (flags.out?.trim() === '') throw new UsageError('--out is "", but must be the name of a new file')
  return {
    help: flags.help,
    tables: flags.tables === undefined ? TRIGGER_TABLES : flags.tables.split(',').map(tableOf),
    drop: flags.drop,
    out: flags.out === undefined ? undefined : resolve(env.FRESHET_CALLER_DIR ?? '.', flags.out),
  }
}

function tableOf(text: string): TriggerTable {
  const table = TRIGGER_TABLES.find((name) => name === text.trim())
  if (table !== undefined) return table
  throw new UsageError(`--tables names "${text}", but there are: ${TRIGGER_TABLES.join(', ')}`)
}
