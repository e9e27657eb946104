interface Commit {
  /** When the write's answer had been received. */
  answeredAt: number
  /** The newest version of the row that had been answered by then. */
  version: number
}

/**
 * Knows what a read must not be older than: every write goes in with the version that it was answered, and a read is held
 * against the newest version that had been answered more than `boundMs` before the read was sent. All times are of one
 * monotonic clock, in milliseconds.
 */
export class StalenessLedger {
  readonly #boundMs: number
  readonly #commits = new Map<string, Commit[]>()

  constructor(boundMs: number) {
    this.#boundMs = boundMs
  }

  /** Writes down an answered write; call it in the order of the answers. */
  committed(id: string, version: number, answeredAt: number): void {
    const commits = this.#commits.get(id) ?? []
    // Answers of simultaneous writes overtake each other; what counts is the newest version known.
    commits.push({ answeredAt, version: Math.max(version, commits.at(-1)?.version ?? 0) })
    this.#commits.set(id, commits)
  }

  /** The oldest version that a read sent at `sentAt` may answer; 0: any. */
  oldestAllowed(id: string, sentAt: number): number {
    const commit = this.#commits.get(id)?.findLast(({ answeredAt }) => answeredAt < sentAt - this.#boundMs)
    return commit?.version ?? 0
  }
}
