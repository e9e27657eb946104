/** Thrown when a write breaks a rule between rows: an address that is taken, a user that does not exist. */
export class ConstraintError extends Error {
  override name = 'ConstraintError'
  /** The field of the request that is to blame. */
  readonly field: string

  constructor(field: string, message: string) {
    super(message)
    this.field = field
  }
}

/** The columns that a broken UNIQUE constraint names, as `content.slug`; none for any other error. */
export function brokenUnique(error: unknown): string[] {
  const columns = /UNIQUE constraint failed: ([\w., ]+)/.exec(messageOf(error))?.[1]
  return columns?.trim().split(/, /) ?? []
}

/** Whether an error is a broken reference. SQLite does not say which. */
export function isBrokenReference(error: unknown): boolean {
  return messageOf(error).includes('FOREIGN KEY constraint failed')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
