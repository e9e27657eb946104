import { SettingsError } from '@freshet/cache-core'
import { PlainError } from './plain-error.ts'

/** What to print of an error that ends a program: a stack trace only where nobody foresaw it. */
export function describeFailure(error: unknown): string {
  if (error instanceof PlainError || error instanceof SettingsError) return `freshet: ${error.message}`
  return `freshet: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}
