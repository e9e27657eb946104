import type { Source } from './cms-client.ts'

/** The success criteria of the plan: shares from 0 to 1, and milliseconds. */
export const PLAN = {
  /** Of all reads. */
  memoryHits: { from: 0.6, to: 0.8 },
  /** Of the reads that memory did not answer. */
  kvHitsOfMisses: { from: 0.8, to: 0.95 },
  combinedHits: { from: 0.95 },
  readTimeReduction: { from: 0.8 },
  d1QueryReduction: { from: 0.9 },
  /** An answer of each tier takes less than this. */
  underMs: { memory: 5, kv: 50, database: 200 } satisfies Record<Source, number>,
} as const

/** Whether a share is at least what the plan asks for; more than it expects is no failure. */
export function isMet(share: number, target: { from: number }): boolean {
  return share >= target.from
}
