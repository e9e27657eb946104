/** The properties, by the names of the issue. */
export const PROPERTIES = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P9'] as const
export type Property = (typeof PROPERTIES)[number]

/** Staleness is counted by the millisecond up to this; above it, in the last bin. */
const BINS = 6_000

/** Reads by their Δ: a strong one, a session's, the policies' default, and whatever a request asked for. */
export const CLASSES = ['Δ 0', 'Δ 1 s', 'Δ 5 s', 'other Δ'] as const
type DeltaClass = (typeof CLASSES)[number]

function classOf(maxStalenessMs: number): DeltaClass {
  if (maxStalenessMs === 0) return 'Δ 0'
  if (maxStalenessMs === 1_000) return 'Δ 1 s'
  return maxStalenessMs === 5_000 ? 'Δ 5 s' : 'other Δ'
}

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
  readonly staleness = new Uint32Array(BINS + 1)
  /** The same by the reads' Δ. */
  readonly byClass: Record<DeltaClass, Uint32Array>

  constructor() {
    this.violations = zeros()
    this.checked = zeros()
    const bins = () => new Uint32Array(BINS + 1)
    this.byClass = { 'Δ 0': bins(), 'Δ 1 s': bins(), 'Δ 5 s': bins(), 'other Δ': bins() }
  }

  violate(property: Property, at: number, what: string): void {
    this.violations[property]++
    this.first ??= { property, at, what }
  }

  /** @param maxStalenessMs the Δ of the read */
  noteStaleness(ms: number, maxStalenessMs: number): void {
    const bin = Math.min(BINS, ms)
    this.staleness[bin] = (this.staleness[bin] ?? 0) + 1
    const own = this.byClass[classOf(maxStalenessMs)]
    own[bin] = (own[bin] ?? 0) + 1
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
    addTo(this.staleness, other.staleness)
    for (const name of CLASSES) addTo(this.byClass[name], other.byClass[name])
    this.first ??= other.first
  }

  /** The staleness that this share of the reads did not pass, ms. */
  stalenessAt(share: number, bins: Uint32Array = this.staleness): number {
    const total = bins.reduce((sum, n) => sum + n, 0)
    let seen = 0
    for (let ms = 0; ms <= BINS; ms++) {
      seen += bins[ms] ?? 0
      if (seen >= share * total) return ms
    }
    return BINS
  }

  /** The same as data, for another thread. */
  plain(): PlainVerdicts {
    const { reads, readsAtRisk, hits, misses, stale, exempt, failed } = this
    const { violations, checked, first, staleness, byClass } = this
    return {
      ...{ reads, readsAtRisk, hits, misses, stale, exempt, failed },
      ...{ violations, checked, first, staleness, byClass },
    }
  }
}

const COUNTS = ['reads', 'readsAtRisk', 'hits', 'misses', 'stale', 'exempt', 'failed'] as const

export type PlainVerdicts = Pick<
  Verdicts,
  (typeof COUNTS)[number] | 'violations' | 'checked' | 'first' | 'staleness' | 'byClass'
>

function addTo(sum: Uint32Array, other: Uint32Array): void {
  other.forEach((n, bin) => {
    if (n > 0) sum[bin] = (sum[bin] ?? 0) + n
  })
}

function zeros(): Record<Property, number> {
  return { P1: 0, P2: 0, P3: 0, P4: 0, P5: 0, P6: 0, P7: 0, P8: 0, P9: 0 }
}
