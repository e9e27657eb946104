import * as v from 'valibot'
import { matches } from '../keys/pattern.ts'
import type { Database } from '../ports.ts'
import type { Query } from '../source.ts'

// What an operator asks of the pipeline's tables: one query each, for `CacheService.query`. All times are clocks, ms.

/** Of a body or payload, what a page shows. */
const EXCERPT = 500
/** Of an event's patterns, what a page shows. */
const SHOWN_PATTERNS = 50
/** Rows that one page of a search looks at: it may find fewer than it shows, and says where to go on. */
const SCANNED = 1_000

const HOUR_MS = 3_600_000

/** A message that no retry could help. */
export interface DeadLetter {
  id: string
  /** Where it came from. */
  queue: string
  reason: string
  attempts: number
  firstSeenAt: number
  lastSeenAt: number
}

/** A page, and what to ask for to go on; null at the end. */
interface CursorPage<T> {
  items: T[]
  next: string | null
}

const Count = v.object({ n: v.number() })
const letterFields = {
  id: v.string(),
  queue: v.string(),
  reason: v.string(),
  attempts: v.number(),
  firstSeenAt: v.number(),
  lastSeenAt: v.number(),
}
const LETTER = `id, queue, reason, attempts, first_seen_at AS firstSeenAt, last_seen_at AS lastSeenAt`
const ExcerptRow = v.object({ ...letterFields, excerpt: v.string(), bytes: v.number() })
const LetterRow = v.object({ ...letterFields, body: v.pipe(v.string(), v.parseJson()) })

/**
 * The dead letters, the newest first, each with the beginning of its message.
 * @param cursor `next` of the page before; one that is none begins anew
 */
export function deadLetterPage(
  db: Database,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Query<CursorPage<DeadLetter & { excerpt: string; bytes: number }> & { total: number }> {
  // By when it was first seen: that never changes, so no page misses one.
  const [, at, id] = /^(\d{1,15})\.(.*)$/s.exec(cursor ?? '') ?? []
  const page = db
    .prepare(
      `SELECT ${LETTER}, substr(body, 1, ${EXCERPT}) AS excerpt, length(CAST(body AS BLOB)) AS bytes FROM dead_letters
WHERE ?1 IS NULL OR (first_seen_at, id) < (?1, ?2) ORDER BY first_seen_at DESC, id DESC LIMIT ?3`,
    )
    .bind(at === undefined ? null : Number(at), id ?? null, limit + 1)
  return {
    statements: [page, db.prepare('SELECT count(*) AS n FROM dead_letters')],
    decode([found, counted]) {
      const rows = v.parse(v.array(ExcerptRow), found?.results)
      const [count] = v.parse(v.array(Count), counted?.results)
      const items = rows.slice(0, limit)
      const last = rows.length > limit ? items.at(-1) : undefined
      return {
        items,
        next: last === undefined ? null : `${last.firstSeenAt}.${last.id}`,
        total: count?.n ?? 0,
      }
    },
  }
}

/** One dead letter with its whole message. */
export function deadLetter(db: Database, id: string): Query<DeadLetter & { body: unknown }> {
  return {
    statements: [db.prepare(`SELECT ${LETTER}, body FROM dead_letters WHERE id = ?`).bind(id)],
    decode: ([found]) => v.parse(v.array(LetterRow), found?.results)[0] ?? null,
  }
}

/** Drops a dead letter for good; not found where there is none. */
export function discardDeadLetter(db: Database, id: string): Query<{ id: string }> {
  return {
    statements: [db.prepare('DELETE FROM dead_letters WHERE id = ? RETURNING id').bind(id)],
    decode: ([found]) => v.parse(v.array(v.object({ id: v.string() })), found?.results)[0] ?? null,
  }
}

const InvalidationRow = v.object({
  seq: v.number(),
  eventId: v.string(),
  type: v.string(),
  // A trigger of somebody's own may write anything; the fence takes what it cannot read for everything.
  patterns: v.fallback(v.pipe(v.string(), v.parseJson(), v.array(v.string())), ['*']),
  payload: v.string(),
  sends: v.number(),
  createdAt: v.number(),
  sentAt: v.nullable(v.number()),
  receivedAt: v.nullable(v.number()),
  sweptAt: v.nullable(v.number()),
  processedAt: v.nullable(v.number()),
  swept: v.number(),
  warmJobs: v.number(),
})

/** A row of the log for people. */
export interface Invalidation extends v.InferOutput<typeof InvalidationRow> {
  /** The first of them, as many as `patternCount` says. */
  patterns: string[]
  patternCount: number
  /** The beginning of what the event says, as JSON. */
  payload: string
  /** How long each step took, ms; null for one that has not been made. */
  took: {
    /** From the commit to the consumer. */
    delivery: number | null
    /** From there to the end of the sweep. */
    sweep: number | null
    /** From there to the end of all that follows from the event. */
    processing: number | null
  }
}

/**
 * What was invalidated, the newest first.
 * @param filter `type` of the event; `key` or tag that one of its patterns matches
 * @param cursor `next` of the page before; one that is none begins anew
 */
export function invalidationPage(
  db: Database,
  {
    limit,
    cursor,
    type,
    key,
  }: { limit: number; cursor?: string | undefined; type?: string | undefined; key?: string | undefined },
): Query<CursorPage<Invalidation>> {
  const scanned = key === undefined ? limit + 1 : SCANNED
  const before = /^\d{1,15}$/.test(cursor ?? '') ? Number(cursor) : null
  const page = db
    .prepare(
      `SELECT seq, event_id AS eventId, type, patterns, substr(payload, 1, ${EXCERPT}) AS payload, sends,
created_at AS createdAt, sent_at AS sentAt, received_at AS receivedAt, swept_at AS sweptAt, processed_at AS processedAt,
swept, warm_jobs AS warmJobs FROM invalidation_log
WHERE (?1 IS NULL OR seq < ?1) AND (?2 IS NULL OR type = ?2) ORDER BY seq DESC LIMIT ?3`,
    )
    .bind(before, type ?? null, scanned)
  return {
    statements: [page],
    decode([found]) {
      const rows = v.parse(v.array(InvalidationRow), found?.results)
      const items: Invalidation[] = []
      for (const [place, row] of rows.entries()) {
        const isWanted = key === undefined || row.patterns.some((pattern) => matches(pattern, key))
        if (isWanted && items.length === limit) return { items, next: String(rows[place - 1]?.seq) }
        if (isWanted) items.push(forPeople(row))
      }
      return { items, next: rows.length === scanned ? String(rows.at(-1)?.seq) : null }
    },
  }
}

function forPeople(row: v.InferOutput<typeof InvalidationRow>): Invalidation {
  const between = (from: number | null, to: number | null) =>
    from === null || to === null ? null : to - from
  return {
    ...row,
    patterns: row.patterns.slice(0, SHOWN_PATTERNS),
    patternCount: row.patterns.length,
    took: {
      delivery: between(row.createdAt, row.receivedAt),
      sweep: between(row.receivedAt, row.sweptAt),
      processing: between(row.receivedAt, row.processedAt),
    },
  }
}

const CountRow = v.object({
  name: v.string(),
  minutes: v.nullable(v.number()),
  hour: v.nullable(v.number()),
  day: v.number(),
})

/** What the pipeline counted, by name, within the last five minutes, the last hour and the last 24 hours. */
export function recentCounts(
  db: Database,
  now: number,
): Query<{
  minutes: Record<string, number>
  hour: Record<string, number>
  day: Record<string, number>
}> {
  const minute = (ago: number) => Math.floor((now - ago) / 60_000)
  const sums = db
    .prepare(
      `SELECT name, sum(value) FILTER (WHERE minute > ?1) AS minutes, sum(value) FILTER (WHERE minute > ?2) AS hour,
sum(value) AS day FROM pipeline_counts WHERE minute > ?3 AND name NOT LIKE 'backlog.%' GROUP BY name`,
    )
    .bind(minute(5 * 60_000), minute(HOUR_MS), minute(24 * HOUR_MS))
  return {
    statements: [sums],
    decode([found]) {
      const rows = v.parse(v.array(CountRow), found?.results)
      return {
        minutes: Object.fromEntries(rows.map(({ name, minutes }) => [name, minutes ?? 0])),
        hour: Object.fromEntries(rows.map(({ name, hour }) => [name, hour ?? 0])),
        day: Object.fromEntries(rows.map(({ name, day }) => [name, day])),
      }
    },
  }
}

/** What tells whether the pipeline keeps up. */
export interface PipelineState {
  deadLetters: number
  unprocessed: number
  /** When the event was logged that has waited the longest; null when none waits. */
  oldestUnprocessedAt: number | null
}

const StateRow = v.object({
  deadLetters: v.number(),
  unprocessed: v.number(),
  oldest: v.nullable(v.number()),
})

export function pipelineState(db: Database): Query<PipelineState> {
  const state = db.prepare(
    `SELECT (SELECT count(*) FROM dead_letters) AS deadLetters, count(*) AS unprocessed, min(created_at) AS oldest
FROM invalidation_log WHERE processed_at IS NULL`,
  )
  return {
    statements: [state],
    decode([found]) {
      const [row] = v.parse(v.array(StateRow), found?.results)
      if (row === undefined) return null
      return { deadLetters: row.deadLetters, unprocessed: row.unprocessed, oldestUnprocessedAt: row.oldest }
    },
  }
}
