/** An error whose message tells its reader what to do; a stack trace would add nothing. */
export class PlainError extends Error {
  override name = 'PlainError'
}

/** What was thrown, in words. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
