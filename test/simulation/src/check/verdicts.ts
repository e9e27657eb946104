/** The properties, by the names of the issue. */
export const PROPERTIES = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P9'] as const
export type Property = (typeof PROPERTIES)[number]

/** Staleness is counted by the millisecond up to this; above it, in the last bin. */
const BINS = 20_000

export interface Violation {
  property: Property
  /** Virtual ms since the run began. */
  at: number
  what: string
}

/** What the checkers counted and found in one run, or in many. */
export class Verdicts {
  reads = 0
  readsAtRisk = 0
  /** Of the reads that a cache could answer. */
  hits = 0
  misses = 0
  stale = 0
  /** Reads that began before a restored database's epoch had moved, or of values that the promise does not cover. */
  exempt = 0
  failed = 0
  readonly violations: Record<Property, number>
  readonly checked: Record<Property, number>
  first: Violation | null = null
  readonly staleness: Uint32Array

  constructor(from?: Pick<Verdicts, 'staleness'>) {
    this.violations = zeros()
    this.checked = zeros()
    this.staleness = from?.staleness ?? new Uint32Array(BINS + 1)
  }

  violate(property: Property, at: number, what: string): void {
    this.violations[property]++
    this.first ??= { property, at, what }
  }

  noteStaleness(ms: number): void {
    const bin = Math.min(BINS, ms)
    this.staleness[bin] = (this.staleness[bin] ?? 0) + 1
  }

  get violated(): boolean {
    return this.first !== null
  }

  /** Adds what another run counted. */
  add(other: Verdicts | PlainVerdicts): void {
    for (const count of COUNTS) this[count] += other[count]
    for (const property of PROPERTIES) {
      this.violations[property] += other.violations[property]
      this.checked[property] += other.checked[property]
    }
    other.staleness.forEach((n, bin) => {
      this.staleness[bin] = (this.staleness[bin] ?? 0) + n
    })
    this.first ??= other.first
  }

  /** The staleness that this share of the reads did not pass, ms. */
  stalenessAt(share: number): number {
    const total = this.staleness.reduce((sum, n) => sum + n, 0)
    let seen = 0
    for (let ms = 0; ms <= BINS; ms++) {
      seen += this.staleness[ms] ?? 0
      if (seen >= share * total) return ms
    }
    return BINS
  }

  /** The same as data, for another thread. */
  plain(): PlainVerdicts {
    const { reads, readsAtRisk, hits, misses, stale, exempt, failed, violations, checked, first, staleness } =
      this
    return { reads, readsAtRisk, hits, misses, stale, exempt, failed, violations, checked, first, staleness }
  }
}

const COUNTS = ['reads', 'readsAtRisk', 'hits', 'misses', 'stale', 'exempt', 'failed'] as const

export type PlainVerdicts = Pick<
  Verdicts,
  (typeof COUNTS)[number] | 'violations' | 'checked' | 'first' | 'staleness'
>

function zeros(): Record<Property, number> {
  return { P1: 0, P2: 0, P3: 0, P4: 0, P5: 0, P6: 0, P7: 0, P8: 0, P9: 0 }
}
