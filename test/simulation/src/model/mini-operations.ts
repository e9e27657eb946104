import type { Change, Database } from '@freshet/cache-core'
import * as v from 'valibot'
import {
  AUTHORS,
  BLOBS,
  FEEDS,
  GROUPS,
  POSTS,
  type Post,
  post,
  RATES,
  SLOWS,
  slow,
  TOKENS,
} from './mini-resources.ts'
import type { Operation, WriteContext } from './model.ts'
import { deletePost, insertPost, PostRepository, updatePost } from './post-repository.ts'

/** Changes in the one transaction of a flood: more than a queue takes in one `sendBatch`. */
const FLOOD = 150

/** What writers do in the little world, with how often they do it; a scenario may weigh them anew by name. */
export const miniOperations: readonly Operation[] = [
  { name: 'update', weight: 6, run: update },
  { name: 'repository', weight: 6, needsFreshet: true, run: throughRepository },
  { name: 'move', weight: 2, run: move },
  { name: 'create or delete', weight: 2, run: createOrDelete },
  { name: 'rename', weight: 3, run: rename },
  { name: 'bulk', weight: 1, run: bulk },
  { name: 'flood', weight: 0, run: flood },
  { name: 'deluge', weight: 0, burst: 9, run: flood },
  { name: 'slow', weight: 3, run: changeSlow },
  { name: 'page', weight: 0, run: changePage },
  { name: 'log in or out', weight: 2, run: logInOrOut },
  { name: 'feed', weight: 2, needsFreshet: true, run: changeFeed },
  { name: 'rate', weight: 1, run: changeRate },
  { name: 'set', weight: 1, needsFreshet: true, run: setBlob },
  { name: 'invalidate', weight: 0.5, needsFreshet: true, run: invalidate },
  { name: 'junk', weight: 0, needsFreshet: true, run: junk },
]

const Posts = v.array(
  v.object({ id: v.string(), grp: v.string(), author: v.string(), v: v.number(), av: v.number() }),
)

/** All posts as D1 has them now. */
async function allPosts(db: Database): Promise<Post[]> {
  const sql = 'SELECT p.id, p.grp, p.author, p.v, 0 AS av FROM posts p ORDER BY p.id'
  const [result] = await db.batch([db.prepare(sql)])
  return v.parse(Posts, result?.results)
}

async function onePost({ db, random }: WriteContext): Promise<Post | undefined> {
  const posts = await allPosts(db)
  return posts.length === 0 ? undefined : random.pick(posts, 2)
}

async function update(context: WriteContext): Promise<string | null> {
  const seen = await onePost(context)
  if (seen === undefined) return null
  const change = updatePost(context.db, seen, { v: context.value() })
  return context.front.writeAndRead([change], post.at({ id: seen.id }))
}

async function throughRepository({ front, db, random, value }: WriteContext): Promise<string | null> {
  if (front.cache === null) return null
  const { bookmark } = await new PostRepository(front.cache, db).update(random.pick(POSTS, 2), { v: value() })
  return bookmark
}

async function move(context: WriteContext): Promise<string | null> {
  const { front, db, random, value } = context
  const seen = await onePost(context)
  if (seen === undefined) return null
  return front.write([
    updatePost(db, seen, { grp: random.pick(GROUPS), author: random.pick(AUTHORS), v: value() }),
  ])
}

async function createOrDelete({ front, db, random, value }: WriteContext): Promise<string | null> {
  const id = random.pick(POSTS)
  const seen = (await allPosts(db)).find((one) => one.id === id)
  if (seen !== undefined) return front.write([deletePost(db, seen)])
  const fresh = { id, grp: random.pick(GROUPS), author: random.pick(AUTHORS), v: value(), av: 0 }
  return front.writeAndRead([insertPost(db, fresh)], post.at({ id }))
}

async function rename({ front, db, random, value }: WriteContext): Promise<string | null> {
  const id = random.pick(AUTHORS)
  return front.write([
    {
      statement: db.prepare('UPDATE authors SET v = ? WHERE id = ?').bind(value(), id),
      event: {
        type: 'author.rename',
        payload: { id },
        patterns: [`user:profile:${id}`, `session:user:${id}`],
      },
    },
  ])
}

async function bulk({ front, db, value }: WriteContext): Promise<string | null> {
  const posts = await allPosts(db)
  return posts.length === 0 ? null : front.write(posts.map((seen) => updatePost(db, seen, { v: value() })))
}

async function flood({ front, db, value }: WriteContext): Promise<string | null> {
  const id = SLOWS[0] ?? ''
  return front.write(Array.from({ length: FLOOD }, () => slowChange(db, id, value())))
}

async function changeSlow({ front, db, random, value }: WriteContext): Promise<string | null> {
  const id = random.pick(SLOWS)
  return front.writeAndRead([slowChange(db, id, value())], slow.at({ id }))
}

function slowChange(db: Database, id: string, value: number): Change {
  return {
    statement: db.prepare('UPDATE slows SET v = ? WHERE id = ?').bind(value, id),
    event: { type: 'slow.update', payload: { id }, patterns: [`content:slow:${id}`] },
  }
}

async function logInOrOut({ front, db, random, value }: WriteContext): Promise<string | null> {
  const token = random.pick(TOKENS)
  const user = random.pick(AUTHORS)
  const patterns = [`session:token:${token}`]
  const out = db.prepare('DELETE FROM sessions WHERE token = ?').bind(token)
  const into = db
    .prepare('INSERT INTO sessions VALUES (?, ?, ?) ON CONFLICT (token) DO NOTHING')
    .bind(token, user, value())
  return random.chance(0.5)
    ? front.write([{ statement: out, event: { type: 'auth.logout', payload: { token }, patterns } }])
    : front.write([{ statement: into, event: { type: 'auth.login', payload: { token }, patterns } }])
}

const Ids = v.array(v.object({ id: v.string() }))

async function changePage({ front, db, random, value }: WriteContext): Promise<string | null> {
  const [result] = await db.batch([db.prepare('SELECT id FROM pages ORDER BY id')])
  const pages = v.parse(Ids, result?.results)
  if (pages.length === 0) return null
  const { id } = random.pick(pages)
  return front.write([
    {
      statement: db.prepare('UPDATE pages SET v = ? WHERE id = ?').bind(value(), id),
      event: { type: 'page.update', payload: { id }, patterns: [`content:page:${id}`] },
    },
  ])
}

/** An outside producer: it changes data without a word to the log, and then sends its event. */
async function changeFeed({ db, random, value, produce }: WriteContext): Promise<string | null> {
  const id = random.pick(FEEDS)
  await db.batch([db.prepare('UPDATE feeds SET v = ? WHERE id = ?').bind(value(), id)])
  await produce({ type: 'feed.update', payload: { id } })
  return null
}

async function changeRate({ db, random, value }: WriteContext): Promise<string | null> {
  await db.batch([db.prepare('UPDATE rates SET v = ? WHERE id = ?').bind(value(), random.pick(RATES))])
  return null
}

async function setBlob({ front, random, value, setting }: WriteContext): Promise<string | null> {
  const id = random.pick(BLOBS)
  const path = `content:blob:${id}`
  const stored = { id, v: value() }
  setting(path, JSON.stringify(stored))
  await front.cache?.set(path, stored)
  return null
}

const STORM = [
  'content:*',
  'api:*',
  'api:list:*',
  'content:post:*',
  '*',
  'user:profile:*',
  'content:*:p1',
  'session:*',
]

async function invalidate({ front, random }: WriteContext): Promise<string | null> {
  const { cache } = front
  if (cache === null) return null
  const kind = random.below(4)
  if (kind === 0) return (await cache.delete(`content:post:${random.pick(POSTS)}`)).bookmark
  if (kind === 1) return (await cache.clear(random.pick(['content', 'api', 'user']))).bookmark
  return (await cache.invalidate(random.pick(STORM))).bookmark
}

/** What junk is of: names, which share places once they are folded; patterns that one broader one stands for; and such as none does. */
const JUNK = [
  (n: number) => `content:junk:${n}`,
  (n: number) => `content:junk:${n}:*`,
  (n: number) => `junk${n}:all:*`,
] as const

/** What nobody reads: it fills the fence. */
async function junk({ front, random, runtime }: WriteContext): Promise<string | null> {
  const kind = random.pick(JUNK)
  const patterns = Array.from({ length: random.between(5, 40) }, () => kind(random.below(1_000)))
  const event = { id: runtime.uuid(), type: 'junk', payload: {}, patterns }
  return (await front.cache?.log([event]))?.bookmark ?? null
}
