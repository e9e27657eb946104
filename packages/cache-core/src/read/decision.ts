import type { Fence, Freshness, Judged } from '../fence/fence.ts'
import type { CacheStats } from '../stats.ts'
import type { CacheOutcome, CacheResult, CacheSource } from './types.ts'

/** What one tier said to a read. */
export interface TierSaid {
  /** `refreshed`: memory again, after the fence was refreshed. */
  tier: 'memory' | 'kv' | 'refreshed'
  /** `valid`, `none`, or what keeps it from being the answer. */
  verdict: string
  /** Of what it held; null where it held nothing. */
  held: { stamp: number; epoch: string; loadedAt: number; expiresAt: number } | null
  /** Of the key and the tags of what it held, the one that was invalidated last. */
  newest: { name: string; seq: number } | null
}

/** What was decided for one read, and why: what `CACHE_DEBUG` logs. */
export interface ReadDecision {
  /** Of the request that it was for, where it has an id. */
  requestId: string | null
  /** Clock at its beginning and its end, ms. */
  startedAt: number
  answeredAt: number
  timing: CacheResult<unknown>['timing']
  /** Without its version. */
  key: string
  /** `NONE`: nobody has it, and nobody was to load it. `ERROR`: the load or D1 failed, and nothing may stand in. */
  outcome: CacheOutcome | 'NONE' | 'ERROR'
  source: CacheSource | null
  /** What each tier said, in order: `memory: invalid by pattern`, `kv: none`, `loaded`. */
  why: readonly string[]
  tiers: readonly TierSaid[]
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
export function verdict(entry: Judged, isAlive: boolean, fence: Fence, need: Freshness): string {
  if (!isAlive) return 'expired'
  if (entry.epoch !== fence.epoch) return fence.epoch === null ? 'no fence' : 'of another epoch'
  if (entry.stamp < fence.floor) return 'below the floor'
  if (!fence.isValid(entry)) return 'invalid by pattern'
  if (!fence.isFresh(need)) return 'not fresh'
  return fence.reaches(need, entry.stamp) ? 'valid' : 'behind the bookmark'
}
