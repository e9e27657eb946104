import { PlainError } from '../plain-error.ts'

/** A command line or variable that a program can't work with; the message names what is allowed. */
export class UsageError extends PlainError {
  override name = 'UsageError'
}
