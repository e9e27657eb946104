import { writeFile } from 'node:fs/promises'
import { dropTriggers, installTriggers } from '@freshet/cms/triggers'
import { messageOf, PlainError } from '../plain-error.ts'
import { TRIGGERS_HELP, type TriggersOptions } from './triggers-options.ts'

/**
 * Prints the SQL, or writes it to a file that is not there yet: a migration that was applied is not changed any more.
 * @returns the exit status
 */
export async function writeTriggers(
  { help, tables, drop, out }: TriggersOptions,
  write: (line: string) => void,
): Promise<number> {
  if (help) {
    write(TRIGGERS_HELP)
    return 0
  }
  const sql = drop ? dropTriggers(tables) : installTriggers(tables)
  if (out === undefined) {
    write(sql.trimEnd())
    return 0
  }
  await writeFile(out, sql, { flag: 'wx' }).catch((error) => {
    throw new PlainError(`could not write ${out}, which must be a new file: ${messageOf(error)}`)
  })
  write(`${drop ? 'Removes' : 'Installs'} the triggers of ${tables.join(', ')}: ${out}`)
  return 0
}
