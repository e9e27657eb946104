import type { Sequence } from './trace.ts'

/** One request of a replay. */
export interface Operation {
  key: number
  write: boolean
}

/** The sequence as operations, of which each is a write with probability `writeShare`. */
export function operationsOf({ keys }: Sequence, writeShare: number, random: () => number): Operation[] {
  return keys.map((key) => ({ key, write: random() < writeShare }))
}
