import { type Database, defineResource, nameOf } from '@freshet/cache-core'
import * as v from 'valibot'

/** Sizes of the little world: few keys, so that many races are for the same one. */
export const POSTS = ids('p', 12)
export const GROUPS = ids('g', 3)
export const AUTHORS = ids('a', 4)
export const TOKENS = ids('t', 6)
export const FEEDS = ids('f', 2)
export const SLOWS = ids('s', 2)
export const BLOBS = ids('b', 2)
export const RATES = ids('r', 2)
const PAGE_LENGTH = 20_000

export function ids(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${letter}${i}`)
}

const Id = v.strictObject({ id: v.string() })
const parseParams = (input: unknown) => v.parse(Id, input)

const PostRow = v.object({
  id: v.string(),
  grp: v.string(),
  v: v.number(),
  author: v.string(),
  av: v.number(),
})
export type Post = v.InferOutput<typeof PostRow>
const POST = `SELECT p.id, p.grp, p.v, p.author, a.v AS av FROM posts p JOIN authors a ON a.id = p.author`

/** A post with its author's name. */
export const post = defineResource({
  name: 'post',
  namespace: 'content',
  parseParams,
  key: ({ id }) => ({ entity: 'post', id }),
  tags: (value: Post | null) => (value === null ? [] : [nameOf('user', 'profile', value.author)]),
  label: (value) => value.grp,
  load: (db, { id }) => ({
    statements: [db.prepare(`${POST} WHERE p.id = ?`).bind(id)],
    decode: ([result]) => v.parse(v.array(PostRow), result?.results)[0] ?? null,
  }),
  parse: (json) => v.parse(PostRow, json),
})

/** The posts of a group with their authors' names. */
export const list = defineResource({
  name: 'list',
  namespace: 'api',
  parseParams,
  key: ({ id }) => ({ entity: 'list', id }),
  tags: (value: Post[] | null) => [
    ...new Set((value ?? []).map(({ author }) => nameOf('user', 'profile', author))),
  ],
  load: (db, { id }) => ({
    statements: [db.prepare(`${POST} WHERE p.grp = ? ORDER BY p.id`).bind(id)],
    decode: ([result]) => v.parse(v.array(PostRow), result?.results),
  }),
  parse: (json) => v.parse(v.array(PostRow), json),
})

const Versioned = v.object({ id: v.string(), v: v.number() })
type Versioned = v.InferOutput<typeof Versioned>

/** One row of a table `(id, v)`, cached under a namespace and entity of its own. */
function versioned(of: { name: string; namespace: string; entity: string; table: string }) {
  return defineResource({
    name: of.name,
    namespace: of.namespace,
    parseParams,
    key: ({ id }) => ({ entity: of.entity, id }),
    tags: (_value: Versioned | null) => [],
    load: (db: Database, { id }) => ({
      statements: [db.prepare(`SELECT id, v FROM ${of.table} WHERE id = ?`).bind(id)],
      decode: ([result]) => v.parse(v.array(Versioned), result?.results)[0] ?? null,
    }),
    parse: (json) => v.parse(Versioned, json),
  })
}

/** A user's own view of themselves: private. */
const profile = versioned({ name: 'profile', namespace: 'user', entity: 'profile', table: 'authors' })
/** Changed by an outside producer, whose event comes through the queue. */
const feed = versioned({ name: 'feed', namespace: 'content', entity: 'feed', table: 'feeds' })
/** Read by a function of several queries. */
export const slow = versioned({ name: 'slow', namespace: 'content', entity: 'slow', table: 'slows' })
/** Changed by nobody knows whom: only its lifetime bounds its age. */
const rate = versioned({ name: 'rate', namespace: 'rate', entity: 'of', table: 'rates' })
/** Set into the cache, and nowhere else. */
const blob = versioned({ name: 'blob', namespace: 'content', entity: 'blob', table: 'blobs' })

const SessionRow = v.object({ token: v.string(), user: v.string(), n: v.number(), name: v.number() })

/** Who a token speaks for: private, and never in KV. */
const session = defineResource({
  name: 'session',
  namespace: 'session',
  parseParams,
  key: ({ id }) => ({ entity: 'token', id }),
  tags: (value: v.InferOutput<typeof SessionRow> | null) =>
    value === null ? [] : [nameOf('session', 'user', value.user)],
  load: (db, { id }) => ({
    statements: [
      db
        .prepare(
          'SELECT s.token, s.user, s.n, a.v AS name FROM sessions s JOIN authors a ON a.id = s.user WHERE s.token = ?',
        )
        .bind(id),
    ],
    decode: ([result]) => v.parse(v.array(SessionRow), result?.results)[0] ?? null,
  }),
  parse: (json) => v.parse(SessionRow, json),
})

const Page = v.object({ id: v.string(), v: v.number(), text: v.string() })

/** So large that memory holds only some of them. */
const page = defineResource({
  name: 'page',
  namespace: 'content',
  parseParams,
  key: ({ id }) => ({ entity: 'page', id }),
  tags: (_value: v.InferOutput<typeof Page> | null) => [],
  load: (db, { id }) => ({
    statements: [db.prepare('SELECT id, v FROM pages WHERE id = ?').bind(id)],
    decode: ([result]) => {
      const row = v.parse(v.array(Versioned), result?.results)[0]
      return row === undefined ? null : { ...row, text: 'x'.repeat(PAGE_LENGTH) }
    },
  }),
  parse: (json) => v.parse(Page, json),
})

export const miniResources = { post, list, profile, feed, slow, rate, blob, session, page }
