import type { CacheEntry } from '../entry.ts'
import type { Fence, Freshness } from '../fence/fence.ts'
import type { CacheStats } from '../stats.ts'
import type { CacheOutcome, CacheSource } from './types.ts'

/** What was decided for one read, and why: what `CACHE_DEBUG` logs. */
export interface ReadDecision {
  /** Without its version. */
  key: string
  /** `NONE`: nobody has it, and nobody was to load it. `ERROR`: the load or D1 failed, and nothing may stand in. */
  outcome: CacheOutcome | 'NONE' | 'ERROR'
  source: CacheSource | null
  /** What each tier said, in order: `memory: invalid by pattern`, `kv: none`, `loaded`. */
  why: readonly string[]
  /** What the read asked for: its Δ, and the position that it must have seen. */
  maxStalenessMs: number
  minSeq: number
  /** Of the answer. */
  stamp: number | null
  upTo: number | null
  epoch: string | null
  expiresAt: number | null
  /** As it was when the read was answered. */
  fence: CacheStats['fence']
  generation: number
}

/** Takes note of a decision; must not throw. */
export type NoteDecision = (decision: ReadDecision) => void

/** A line of JSON on the console. */
export const logDecision: NoteDecision = (decision) => console.log(JSON.stringify({ cache: decision }))

/** In words, what keeps an entry from being the answer to a read; `valid` when nothing does. */
export function verdict(entry: CacheEntry, isAlive: boolean, fence: Fence, need: Freshness): string {
  if (!isAlive) return 'expired'
  if (entry.epoch !== fence.epoch) return fence.epoch === null ? 'no fence' : 'of another epoch'
  if (entry.stamp < fence.floor) return 'below the floor'
  if (!fence.isValid(entry)) return 'invalid by pattern'
  if (!fence.isFresh(need)) return 'not fresh'
  return fence.reaches(need, entry.stamp) ? 'valid' : 'behind the bookmark'
}
