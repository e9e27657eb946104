import { median, timesAsLong } from '../rounds.ts'
import { LEAST } from './hit-systems.ts'

/** Nanoseconds a call of each round, by discipline and system. */
export type Times = ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>

/** What is wanted of hits, to whom, and whether a run has it. A line each. */
export function verdicts(times: Times): string[] {
  const compare = (metric: string, own: string, other: string, most: number) => {
    const systems = times.get(metric)
    const { low, middle, high } = timesAsLong(systems?.get(own) ?? [], systems?.get(other) ?? [])
    const verdict = middle <= most ? 'met' : 'NOT met'
    const spread = `half of the rounds ${low.toFixed(2)} to ${high.toFixed(2)}`
    return `${metric}, ${own} to ${other}: ${middle.toFixed(2)} × (${spread}), at most ${most}: ${verdict}`
  }
  const toOthers = (metric: string) =>
    nearest(times.get(metric)).map((other) => compare(metric, 'freshet', other, 1))
  return [
    compare('get', 'freshet, peek', 'Map', 2.5),
    compare('get', 'freshet, tier', 'lru-cache', 1),
    compare('evicting set', 'freshet, tier', 'lru-cache', 1),
    ...toOthers('getOrSet'),
    ...toOthers('two tiers, in the first'),
  ]
}

/** How many of the others are worth a line. */
const NEAREST = 3

/** The fastest of the others first. */
function nearest(systems: ReadonlyMap<string, readonly number[]> = new Map()): string[] {
  return [...systems]
    .filter(([name]) => !name.startsWith('freshet') && name !== LEAST)
    .sort(([, a], [, b]) => median(a) - median(b))
    .slice(0, NEAREST)
    .map(([name]) => name)
}
