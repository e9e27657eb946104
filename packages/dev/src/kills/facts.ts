import * as v from 'valibot'
import type { LocalStack } from '../local/running-stack.ts'
import type { CmsClient, Source } from '../replay/cms-client.ts'
import { runPool } from '../replay/pool.ts'

/** What is there once all is settled. */
export interface Facts {
  log: LogFacts
  deadLetters: number
  /** The posts that were written, or perhaps were. */
  posts: { id: string; before: number; version: number; logged: number }[]
  /** Each of them, read from isolates that had nothing. */
  reads: { id: string; url: string; version: number; source: Source }[]
}

/** The log, counted. */
export interface LogFacts {
  rows: number
  distinct: number
  unprocessed: number
  /** Rows that the relay has sent again, and how often it did. */
  relayed: number
  sends: number
}

const LOG = `SELECT count(*) AS rows, count(DISTINCT event_id) AS "distinct",
count(*) FILTER (WHERE processed_at IS NULL) AS unprocessed,
count(*) FILTER (WHERE sends > 0) AS relayed, coalesce(sum(sends), 0) AS sends FROM invalidation_log`
const LogRow = v.object({
  rows: v.number(),
  distinct: v.number(),
  unprocessed: v.number(),
  relayed: v.number(),
  sends: v.number(),
})
const POSTS = `SELECT id, version, (SELECT count(*) FROM invalidation_log
WHERE type = 'content.update' AND payload ->> 'id' = content.id) AS logged
FROM content WHERE id IN (SELECT value FROM json_each(?1))`
const PostRow = v.object({ id: v.string(), version: v.number(), logged: v.number() })
const VersionRow = v.object({ id: v.string(), version: v.number() })
const CountRow = v.object({ n: v.number() })

/** Reads under way at a time. */
const CONCURRENCY = 4

/** Counts the log. */
export async function logFacts({ sql }: Pick<LocalStack, 'sql'>): Promise<LogFacts> {
  const [rows] = await sql([{ sql: LOG, params: [] }])
  return v.parse(LogRow, rows?.[0])
}

/** The version of each post. */
export async function versions({ sql }: Pick<LocalStack, 'sql'>): Promise<Map<string, number>> {
  const [rows] = await sql([{ sql: 'SELECT id, version FROM content', params: [] }])
  return new Map(v.parse(v.array(VersionRow), rows).map(({ id, version }) => [id, version]))
}

/**
 * Looks at what the database has, and reads every post from each API Worker. The first one has KV and the database to answer
 * from, the others what it left in KV.
 */
export async function gatherFacts(
  stack: Pick<LocalStack, 'sql' | 'urls'>,
  client: Pick<CmsClient, 'read'>,
  ids: readonly string[],
  before: ReadonlyMap<string, number>,
  signal: AbortSignal,
): Promise<Facts> {
  const [posts, letters] = await stack.sql([
    { sql: POSTS, params: [JSON.stringify(ids)] },
    { sql: 'SELECT count(*) AS n FROM dead_letters', params: [] },
  ])
  const reads: Facts['reads'] = []
  for (const url of stack.urls) {
    await runPool(
      ids,
      CONCURRENCY,
      async (id) => {
        const { version, source } = await client.read(url, id)
        reads.push({ id, url, version, source })
      },
      signal,
    )
  }
  return {
    log: await logFacts(stack),
    deadLetters: v.parse(CountRow, letters?.[0]).n,
    posts: v.parse(v.array(PostRow), posts).map((post) => ({ ...post, before: before.get(post.id) ?? 0 })),
    reads,
  }
}
