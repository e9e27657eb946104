import * as v from 'valibot'
import type { Isolate } from '../isolate.ts'
import { matches } from '../keys/pattern.ts'
import type { Database } from '../ports.ts'

/** Rows of the log in one query, and queries: a difference is rare, but must not go through a year's log. */
const PAGE = 1_000
const MAX_PAGES = 5

const SQL = `SELECT seq, event_id AS eventId, type, created_at AS createdAt, patterns FROM invalidation_log
WHERE seq > ?1 AND seq <= ?2 ORDER BY seq DESC LIMIT ${PAGE}`

const Row = v.object({
  seq: v.number(),
  eventId: v.string(),
  type: v.string(),
  createdAt: v.number(),
  // As the fence takes it: what cannot be read invalidates everything.
  patterns: v.fallback(v.pipe(v.string(), v.parseJson(), v.array(v.string())), ['*']),
})

/** A row of the log, with what of an entry it matches. */
export interface MatchingRow {
  seq: number
  eventId: string
  type: string
  createdAt: number
  name: string
  pattern: string
}

/**
 * The newest row of the log between two positions that matches a name.
 * @param enough a position from which on downwards it makes no difference which row it is
 * @returns null when there is none; undefined when the log is too long to tell
 */
export async function newestRow(
  { sql }: Isolate,
  db: Database,
  names: readonly string[],
  { after, upTo, enough }: { after: number; upTo: number; enough: number },
): Promise<MatchingRow | null | undefined> {
  let end = upTo
  for (let page = 0; page < MAX_PAGES; page++) {
    const [result] = await sql.read(db, [db.prepare(SQL).bind(after, end)])
    const rows = v.parse(v.array(Row), result?.results)
    for (const { patterns, ...row } of rows) {
      for (const pattern of patterns) {
        const name = names.find((one) => matches(pattern, one))
        if (name !== undefined) return { ...row, name, pattern }
      }
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE) return null
    end = last.seq - 1
  }
  // Whatever row lies further down, the fence had it; and if there is none, nobody told of the change.
  return end <= enough ? null : undefined
}
