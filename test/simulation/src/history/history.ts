/** One value of a key, and when it was current. */
export interface Version {
  text: string
  /** Virtual time and D1 transaction of the commit that made it. */
  from: number
  fromTxn: number
  /** The same of the commit that replaced it. */
  until: number
  untilTxn: number
}

/** All values that a key ever had, as D1's commits made them. */
export class History {
  readonly path: string
  current: Version
  readonly #first = new Map<string, Version>()
  readonly #last = new Map<string, Version>()
  readonly #changes = new Set<number>()
  #unannounced: Version[] = []

  constructor(path: string, text: string, now: number) {
    this.path = path
    this.current = this.#add({
      text,
      from: now,
      fromTxn: -1,
      until: Number.POSITIVE_INFINITY,
      untilTxn: Number.POSITIVE_INFINITY,
    })
  }

  /** A commit left this text: a new version, unless nothing changed. */
  commit(text: string, now: number, txn: number): void {
    if (text === this.current.text) return
    this.current.until = now
    this.current.untilTxn = txn
    this.current = this.#add({
      text,
      from: now,
      fromTxn: txn,
      until: Number.POSITIVE_INFINITY,
      untilTxn: Number.POSITIVE_INFINITY,
    })
  }

  /** A commit left this text, but nobody can know before its event is logged: until then the old ones count as current. */
  commitQuietly(text: string, now: number, txn: number): void {
    if (text === this.current.text) return
    this.#unannounced.push(this.current)
    this.current = this.#add({
      text,
      from: now,
      fromTxn: txn,
      until: Number.POSITIVE_INFINITY,
      untilTxn: Number.POSITIVE_INFINITY,
    })
  }

  /** An event that names this key was logged: whatever was replaced before is old from now on. */
  announce(now: number, txn: number): void {
    for (const version of this.#unannounced) {
      version.until = now
      version.untilTxn = txn
    }
    this.#unannounced = []
  }

  /** The last time that the key had this text; undefined when it never did. */
  lastOf(text: string): Version | undefined {
    return text === this.current.text ? this.current : this.#last.get(text)
  }

  /** The first time that the key had this text. */
  firstOf(text: string): Version | undefined {
    return this.#first.get(text)
  }

  /** Whether this transaction changed the key. */
  changedAt(txn: number): boolean {
    return this.#changes.has(txn)
  }

  #add(version: Version): Version {
    this.#changes.add(version.fromTxn)
    if (!this.#first.has(version.text)) this.#first.set(version.text, version)
    this.#last.set(version.text, version)
    return version
  }
}
