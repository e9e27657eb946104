/**
 * A row is written with its writer's clock from before the commit, which a D1 write may keep waiting for ten seconds; and two
 * machines' clocks may differ. Only a row that is older by this as well counts as one that a reader had to know.
 */
const SLACK_MS = 12_000

/** What is known of a hit whose value is not D1's any more. */
export interface Difference {
  /** The newest row of the log that matches the entry's key or a tag, and lies past its stamp; null for none. */
  row: { seq: number; createdAt: number } | null
  /** The fence's head when it called the value valid. */
  head: number
  /** When the read began, and its Δ, ms. */
  startedAt: number
  maxStalenessMs: number
}

/**
 * Why a value was wrong: the fence had the row and served the value all the same; the row was older than Δ, and the fence did
 * not have it; or no row tells of the change.
 */
export type Cause = 'known row' | 'old row' | 'no row'

/**
 * Judges a difference. Never an innocent one: what cannot be proven counts as young. (An older row that matches, too, proves
 * nothing: its event may have left this value as it was.)
 * @returns null when a row explains it that Δ allows the reader not to know of
 */
export function judge({ row, head, startedAt, maxStalenessMs }: Difference): Cause | null {
  if (row === null) return 'no row'
  if (row.seq <= head) return 'known row'
  return row.createdAt < startedAt - maxStalenessMs - SLACK_MS ? 'old row' : null
}

/**
 * The upper limit of a share, of which some cases were seen among all: Clopper and Pearson's, exact, one-sided. With none seen it is the
 * rule of three, about 3 / all.
 * @param confidence between 0 and 1
 * @returns null when nothing was looked at
 */
export function upperLimit(seen: number, all: number, confidence = 0.95): number | null {
  if (all <= 0) return null
  if (seen >= all) return 1
  let low = seen / all
  let high = 1
  // Each step halves the interval: 50 of them are more than a double tells apart.
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2
    if (atMost(seen, all, middle) > 1 - confidence) low = middle
    else high = middle
  }
  return high
}

/** The chance of at most so many cases among all, each with this probability. */
function atMost(most: number, all: number, probability: number): number {
  // Summed up as multiples of its largest term, since each by itself may be too small for a number.
  let log = all * Math.log1p(-probability)
  let sum = 1
  let scale = log
  for (let k = 1; k <= most; k++) {
    log += Math.log(((all - k + 1) / k) * (probability / (1 - probability)))
    if (log > scale) {
      sum = sum * Math.exp(scale - log) + 1
      scale = log
    } else sum += Math.exp(log - scale)
  }
  return sum * Math.exp(scale)
}
