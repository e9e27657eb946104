import { seeded, shuffled } from './random.ts'

/** The middle one of some figures. @throws RangeError for none */
export function median(values: readonly number[]): number {
  const middle = [...values].sort((a, b) => a - b)[values.length >> 1]
  if (middle === undefined) throw new RangeError('no figures')
  return middle
}

/** How far the middle half of some figures lies apart. */
export function spread(values: readonly number[]): number {
  const { low, high } = quartiles(values)
  return high - low
}

/** What a quarter, half and three quarters of some figures lie below; NaN for none. */
function quartiles(values: readonly number[]): { low: number; middle: number; high: number } {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  return { low: at(0.25), middle: at(0.5), high: at(0.75) }
}

/**
 * How many times as long one took as another, round by round: what the machine did in a round fell on both of them.
 * @returns the middle one, and between what half of the rounds lie
 */
export function timesAsLong(ones: readonly number[], others: readonly number[]) {
  return quartiles(ones.map((one, round) => one / (others[round] ?? Number.NaN)))
}

/** How often systems take turns. */
export interface Rounds {
  /** All but the first few: until then V8 has not made up its mind. */
  rounds: number
  warmUp: number
}

/** Each round in an order of its own, so that none always comes after the same one. */
export async function inTurns<Of>(
  all: readonly Of[],
  { rounds, warmUp }: Rounds,
  run: (one: Of, isCounted: boolean) => Promise<void>,
  renew: (round: number) => void = () => {},
): Promise<void> {
  const random = seeded(5)
  for (let round = 0; round < warmUp + rounds; round++) {
    renew(round)
    for (const one of shuffled(all, random)) await run(one, round >= warmUp)
  }
}
