import * as v from 'valibot'
import type { Database, Statement } from '../ports.ts'
import type { Query } from '../source.ts'
import type { MatchingRow } from './newest-row.ts'

const HOUR_SECONDS = 3_600
/** Violations that are kept. */
const MAX_KEPT = 500
/** Of a value, what is kept of it. */
export const EXCERPT = 500

const Value = v.object({ etag: v.string(), found: v.boolean(), text: v.nullable(v.string()) })

const ViolationSchema = v.object({
  /** `hit`: a reader was given it. `delayed`: the consumer found it in KV, some time after a write. */
  kind: v.picklist(['hit', 'delayed']),
  key: v.string(),
  namespace: v.string(),
  source: v.picklist(['memory', 'kv']),
  requestId: v.nullable(v.string()),
  cause: v.picklist(['known row', 'old row', 'no row']),
  /** The cause in words. */
  says: v.string(),
  maxStalenessMs: v.number(),
  /** Clocks, ms. */
  readAt: v.number(),
  fence: v.object({ epoch: v.string(), head: v.number(), ageMs: v.number() }),
  served: v.object({ stamp: v.number(), upTo: v.number(), loadedAt: v.number(), ...Value.entries }),
  current: v.object({ seq: v.number(), ...Value.entries }),
  row: v.nullable(
    v.object({
      seq: v.number(),
      eventId: v.string(),
      type: v.string(),
      createdAt: v.number(),
      name: v.string(),
      pattern: v.string(),
    }),
  ),
})

/** A value that was served though it should not have been. Texts are null where they are nobody's to look at. */
export type Violation = v.InferOutput<typeof ViolationSchema>

/** Takes note of a violation; must not throw. */
export type NoteViolation = (violation: Violation) => void

/** A line of JSON on the console. */
export const logViolation: NoteViolation = (violation) =>
  console.error(JSON.stringify({ level: 'error', violation }))

/** The cause of a violation in words. */
export function wordsFor(cause: Violation['cause'], row: MatchingRow | null): string {
  const event = row === null ? 'a row' : `${row.type} (seq ${row.seq}) of ${row.name}`
  if (cause === 'known row') return `the fence knew of ${event} when it called the value valid`
  if (cause === 'old row') return `${event} is older than the bound, and the fence had not read so far`
  return 'no row of the log tells of the change, nor did one within 10 s: it was written past the log, or depends on what no tag names'
}

/** Keeps a violation, and of all of them the newest ones. @param at clock, ms */
export function keepViolation(db: Database, violation: Violation, at: number): Statement[] {
  return [
    db
      .prepare('INSERT INTO cache_violations (at, detail) VALUES (?1, ?2)')
      .bind(at, JSON.stringify(violation)),
    db.prepare(
      `DELETE FROM cache_violations WHERE id <= (SELECT max(id) FROM cache_violations) - ${MAX_KEPT}`,
    ),
  ]
}

const Kept = v.object({
  id: v.number(),
  at: v.number(),
  detail: v.pipe(v.string(), v.parseJson(), ViolationSchema),
})

/** The violations that are kept, the newest first, and how many there are. */
export function keptViolations(
  db: Database,
  limit: number,
): Query<{ items: ({ id: number; at: number } & Violation)[]; total: number }> {
  return {
    statements: [
      db.prepare('SELECT id, at, detail FROM cache_violations ORDER BY id DESC LIMIT ?').bind(limit),
      db.prepare('SELECT count(*) AS n FROM cache_violations'),
    ],
    decode([found, counted]) {
      const [count] = v.parse(v.array(v.object({ n: v.number() })), counted?.results)
      const items = v
        .parse(v.array(Kept), found?.results)
        .map(({ id, at, detail }) => ({ id, at, ...detail }))
      return { items, total: count?.n ?? 0 }
    },
  }
}

const RecentRow = v.object({ violations: v.number(), head: v.nullable(v.number()) })

/** Violations of the last 24 hours, and the log's head beside them. @param now clock, ms */
export function recentViolations(db: Database, now: number): Query<{ violations: number; head: number }> {
  const statement = db
    .prepare(
      `SELECT count(*) AS violations, (SELECT max(seq) FROM invalidation_log) AS head FROM cache_violations WHERE at > ?`,
    )
    .bind(now - 24 * HOUR_SECONDS * 1_000)
  return {
    statements: [statement],
    decode([found]) {
      const [row] = v.parse(v.array(RecentRow), found?.results)
      return row === undefined ? null : { violations: row.violations, head: row.head ?? 0 }
    },
  }
}

/** Forgets all violations: they are understood. */
export function forgetViolations(db: Database): Query<{ forgotten: number }> {
  return {
    statements: [db.prepare('DELETE FROM cache_violations')],
    decode: ([result]) => ({ forgotten: result?.meta.changes ?? 0 }),
  }
}

/** What verification came to in a span of time. */
export interface Verified {
  checks: number
  violations: number
  /** Differences that a row explains which the bound allows. */
  younger: number
}

const Sums = v.object({
  checks: v.number(),
  violations: v.number(),
  younger: v.number(),
  delayedChecks: v.number(),
  delayedViolations: v.number(),
  delayedYounger: v.number(),
  delayedAbsent: v.number(),
})

/** What the isolates and the consumer verified since some time. @param now clock, ms */
export function verified(
  db: Database,
  hours: number,
  now: number,
): Query<{ hits: Verified; delayed: Verified & { absent: number } }> {
  const sum = (name: string) => `coalesce(sum(sums ->> '${name}'), 0)`
  const statement = db
    .prepare(
      `SELECT ${sum('verifyChecks')} AS checks, ${sum('verifyViolations')} AS violations, ${sum('verifyYounger')} AS younger,
${sum('delayedChecks')} AS delayedChecks, ${sum('delayedViolations')} AS delayedViolations,
${sum('delayedYounger')} AS delayedYounger, ${sum('delayedAbsent')} AS delayedAbsent
FROM statistics WHERE step = 60 AND namespace = '*' AND at > ?`,
    )
    .bind(Math.floor(now / 1000) - hours * HOUR_SECONDS)
  return {
    statements: [statement],
    decode([found]) {
      const [row] = v.parse(v.array(Sums), found?.results)
      if (row === undefined) return null
      const { checks, violations, younger } = row
      return {
        hits: { checks, violations, younger },
        delayed: {
          checks: row.delayedChecks,
          violations: row.delayedViolations,
          younger: row.delayedYounger,
          absent: row.delayedAbsent,
        },
      }
    },
  }
}
