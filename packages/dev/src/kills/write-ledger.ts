/** What the writers were told. */
export class WriteLedger {
  /** The newest version that was answered, by post. */
  readonly newest = new Map<string, number>()
  answered = 0
  /** Writes that were never answered: done or not, nobody knows. */
  unknown = 0
  /** Versions that two writes were answered: one of them has lost the other's change. */
  readonly repeated: string[] = []
  /** Answers that no write should get. */
  readonly refusals: string[] = []
  readonly #seen = new Set<string>()

  /** A write was answered with the version that it made. */
  committed(id: string, version: number): void {
    const name = `${id} version ${version}`
    if (this.#seen.has(name)) this.repeated.push(name)
    this.#seen.add(name)
    this.answered += 1
    this.newest.set(id, Math.max(version, this.newest.get(id) ?? 0))
  }

  /** A write was not answered. */
  lost(id: string): void {
    this.unknown += 1
    // It may have been done all the same: the post is among those to look at.
    this.newest.set(id, this.newest.get(id) ?? 0)
  }

  /** A write got an answer that it should not. */
  refused(message: string): void {
    this.refusals.push(message)
  }
}
