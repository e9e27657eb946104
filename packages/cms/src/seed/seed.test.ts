import { createHash } from 'node:crypto'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { ContentCreateInput } from '../input/content.ts'
import { verifyPassword } from '../password.ts'
import { migratedDatabase, seed, triggeredDatabase } from '../testing/database.ts'
import { world } from '../testing/world.ts'
import { type SeedOptions, seedBatches, seedMediaId, seedPostId, seedUserId } from './index.ts'

const fingerprint = (options: SeedOptions) => {
  const hash = createHash('sha256')
  for (const { sql, params } of seedBatches(options)) hash.update(sql).update(params[0])
  return hash.digest('hex')
}

describe('seedBatches', () => {
  it('gives the same rows for the same options, and others for another seed', () => {
    const small = { posts: 50, users: 5, media: 5 }
    expect(fingerprint(small)).toBe(fingerprint(small))
    expect(fingerprint({ ...small, seed: 1 })).not.toBe(fingerprint(small))
  })

  it('by default fills a database as the issue has it', async () => {
    const db = migratedDatabase()
    await seed(db, {})
    const count = (table: string) => db.one(`SELECT count(*) AS n FROM ${table}`)?.n
    expect(['collections', 'content', 'users', 'media', 'plugins'].map(count)).toEqual([
      3, 5000, 200, 1000, 12,
    ])
    expect(count("content_relationships WHERE relation = 'author'")).toBe(5000)
    expect(count("content_relationships WHERE relation = 'featuredMedia'")).toBe(3334)
    expect(count("content WHERE collection_id = 'posts'")).toBe(4000)
    expect(count('content WHERE featured = 1')).toBeGreaterThan(50)
    expect(count("content WHERE status = 'published'")).toBeGreaterThan(4400)
    expect(count("content WHERE status = 'published'")).toBeLessThan(4600)
    expect(count('users WHERE password_hash IS NOT NULL')).toBe(0)
    expect(count('content WHERE published_at < created_at OR published_at > updated_at')).toBe(0)
    const { low, mean, high, median } = db.one(`SELECT min(length(data)) AS low, max(length(data)) AS high,
      avg(length(data)) AS mean, (SELECT length(data) FROM content ORDER BY length(data) LIMIT 1 OFFSET 2500) AS median
      FROM content`) as Record<string, number>
    expect(low).toBeGreaterThanOrEqual(1000)
    expect(high).toBeLessThanOrEqual(20_480)
    expect(mean).toBeGreaterThan(3000)
    expect(mean).toBeLessThan(4000)
    expect(median).toBeLessThan(mean ?? 0)
  })

  it('leaves nothing to be told where triggers have logged its rows, and the log of others alone', async () => {
    const db = triggeredDatabase()
    db.exec(
      `INSERT INTO invalidation_log (event_id, type, payload, patterns, created_at) VALUES ('x', 't', '{}', '[]', 0)`,
    )
    await seed(db, { posts: 20, users: 2, media: 2 })
    expect(db.one('SELECT count(*) > 20 AS logged FROM invalidation_log')).toEqual({ logged: 1 })
    expect(
      db.one('SELECT group_concat(event_id) AS ids FROM invalidation_log WHERE processed_at IS NULL'),
    ).toEqual({ ids: 'x' })
  })

  it('stays within a parameter of D1', () => {
    let batches = 0
    for (const { params } of seedBatches({ posts: 2000 })) {
      batches++
      expect(params).toHaveLength(1)
      expect(Buffer.byteLength(params[0])).toBeLessThanOrEqual(900_000)
    }
    expect(batches).toBeGreaterThan(10)
  })

  it('makes 30,000 posts in well under 20 s', () => {
    const began = performance.now()
    let rows = 0
    for (const { params } of seedBatches({ posts: 30_000 })) rows += params[0].length
    expect(rows).toBeGreaterThan(80_000_000)
    expect(performance.now() - began).toBeLessThan(20_000)
  })

  it('makes items that the API would take', async () => {
    const db = migratedDatabase()
    await seed(db, { posts: 40, users: 3, media: 3, allPublished: true })
    const { content } = world(db)
    for (let i = 0; i < 40; i++) {
      const item = (await content.findById(seedPostId(i))).value()
      expect(item?.status).toBe('published')
      expect(item?.author?.id).toMatch(/^user-[0-2]$/)
      const { collection, slug, title, status, data } = item ?? {}
      expect(v.safeParse(ContentCreateInput, { collection, slug, title, status, data }).success).toBe(true)
    }
    expect((await content.findById(seedPostId(40))).found).toBe(false)
    expect([seedUserId(0), seedMediaId(2)]).toEqual(['user-0', 'media-2'])
  })

  it('lets people in locally only when told to', async () => {
    const db = migratedDatabase()
    await seed(db, { posts: 0, users: 0, media: 0, plugins: 0, localUsers: true })
    for (const role of ['admin', 'editor', 'viewer']) {
      const user = db.one('SELECT role, password_hash FROM users WHERE email = ?', `${role}@example.com`)
      expect(user?.role).toBe(role)
      expect(await verifyPassword('freshet-dev', String(user?.password_hash))).toBe(true)
    }
  })

  it('needs neither users nor media, and makes up names for more plugins', async () => {
    const db = migratedDatabase()
    await seed(db, { posts: 10, users: 0, media: 0, plugins: 14 })
    expect(db.one('SELECT count(*) AS n FROM content_relationships')).toEqual({ n: 0 })
    expect(db.one('SELECT count(*) AS n FROM plugins')).toEqual({ n: 14 })
  })
})
