import type { CacheConfigs } from '../policy.ts'
import type { Database } from '../ports.ts'

/** Covers the jitter of lifetimes and the difference of isolates' clocks. */
const SAFETY = 1.1
/** Rows of one run: after an import there are hundreds of thousands, and D1 has one thread. */
const MAX_ROWS = 5_000

/** The newest row that may go: older than any entry that it could invalidate, processed, and not the last of the log. */
const NEWEST_TO_GO = `SELECT max(seq) FROM invalidation_log WHERE processed_at IS NOT NULL
AND seq < coalesce(
  (SELECT seq FROM invalidation_log WHERE created_at >= ?1 ORDER BY seq LIMIT 1),
  (SELECT max(seq) FROM invalidation_log))
AND seq <= coalesce(
  (SELECT seq FROM invalidation_log ORDER BY seq LIMIT 1 OFFSET ${MAX_ROWS - 1}),
  (SELECT max(seq) FROM invalidation_log))`
const MOVE_MARK = `UPDATE invalidation_state SET pruned_to = max(pruned_to, coalesce((${NEWEST_TO_GO}), 0)) WHERE id = 1`
const DELETE = `DELETE FROM invalidation_log WHERE processed_at IS NOT NULL
AND seq <= (SELECT pruned_to FROM invalidation_state WHERE id = 1)`

/** How long a row must stay, in ms: longer than the longest life of any entry. */
export function retentionMs(configs: CacheConfigs): number {
  const lives = Object.values(configs).map(
    ({ ttl, staleIfErrorSeconds, staleWhileRevalidateSeconds = 0 }) =>
      ttl + staleWhileRevalidateSeconds + staleIfErrorSeconds,
  )
  return Math.max(0, ...lives) * 1000 * SAFETY
}

/**
 * Prunes the log. The mark moves in the transaction that deletes: a fence that asks from below it knows what it has missed.
 * @param now clock, ms
 * @returns how many rows went
 */
export async function prune(db: Database, configs: CacheConfigs, now: number): Promise<number> {
  const [, deleted] = await db.batch([
    db.prepare(MOVE_MARK).bind(now - retentionMs(configs)),
    db.prepare(DELETE),
  ])
  return deleted?.meta.changes ?? 0
}
