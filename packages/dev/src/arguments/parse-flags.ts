import { type ParseArgsConfig, parseArgs } from 'node:util'
import { messageOf } from '../plain-error.ts'
import { UsageError } from './usage-error.ts'

type Flags = NonNullable<ParseArgsConfig['options']>
type Values<F extends Flags> = ReturnType<typeof parseArgs<{ options: F; strict: true }>>['values']

/** `parseArgs` for flags only, with errors that list what there is. */
export function parseFlags<F extends Flags>(argv: readonly string[], flags: F): Values<F> {
  try {
    return parseArgs({ args: [...argv], options: flags, strict: true, allowPositionals: false }).values
  } catch (error) {
    // Node's message goes on with advice on positional arguments, which we have none of.
    const [reason] = messageOf(error).split('. ')
    throw new UsageError(`${reason}. Known options: ${names(flags)}`)
  }
}

function names(flags: Flags): string {
  return Object.entries(flags)
    .map(([name, { type }]) => (type === 'string' ? `--${name} VALUE` : `--${name}`))
    .join(', ')
}
