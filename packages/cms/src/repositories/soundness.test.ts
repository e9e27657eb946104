import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LOG_WRITERS } from '../testing/database.ts'
import { COLLECTIONS, changed, HASHES, idsIn, readAll, SLUGS, START, unnamed } from '../testing/universe.ts'
import { allEvents, type World, world } from '../testing/world.ts'
import { ConstraintError } from './constraint-error.ts'

/**
 * The rules against reality: after any write, whatever reads differently than before must be named by the write's event,
 * by its key or by a tag that it had before.
 */

const pick = (from: string[], n: number): string => from[n % Math.max(1, from.length)] ?? 'nobody'

type Operation = (world: World, n: number) => Promise<unknown>

const operations: Record<string, Operation> = {
  'content.create': ({ content, db }, n) =>
    content.create({
      collection: pick(COLLECTIONS, n),
      slug: pick(SLUGS, n >> 1),
      title: `T${n}`,
      status: n % 3 === 0 ? 'draft' : 'published',
      data: { featured: n % 4 === 0 },
      authorId: n % 5 === 0 ? null : pick(idsIn(db, 'users'), n),
      featuredMediaId: n % 2 === 0 ? null : pick(idsIn(db, 'media'), n),
    }),
  'content title': ({ content, db }, n) => content.update(pick(idsIn(db, 'content'), n), { title: `U${n}` }),
  'content slug': ({ content, db }, n) =>
    content.update(pick(idsIn(db, 'content'), n), { slug: pick(SLUGS, n >> 3) }),
  'content status': ({ content, db }, n) =>
    content.update(pick(idsIn(db, 'content'), n), {
      status: (['draft', 'published', 'archived'] as const)[(n >> 3) % 3] ?? 'draft',
    }),
  'content featured': ({ content, db }, n) =>
    content.update(pick(idsIn(db, 'content'), n), { data: { featured: n % 2 === 0, n } }),
  'content relations': ({ content, db }, n) =>
    content.update(pick(idsIn(db, 'content'), n), {
      authorId: n % 3 === 0 ? null : pick(idsIn(db, 'users'), n >> 2),
      ...(n % 2 === 0 && { featuredMediaId: n % 4 === 0 ? null : pick(idsIn(db, 'media'), n >> 2) }),
    }),
  publish: ({ content, db }, n) => content.publish(pick(idsIn(db, 'content'), n)),
  unpublish: ({ content, db }, n) => content.unpublish(pick(idsIn(db, 'content'), n)),
  'content.delete': ({ content, db }, n) => content.delete(pick(idsIn(db, 'content'), n)),
  bulk: ({ content, db }, n) =>
    content.bulk(
      (['publish', 'unpublish', 'delete'] as const)[n % 3] ?? 'publish',
      idsIn(db, 'content').slice(n % 3),
    ),
  'user.create': ({ users }, n) =>
    users.create({ email: `${n % 20}@example.com`, name: `N${n}`, role: 'editor', passwordHash: null }),
  'user name': ({ users, db }, n) => users.update(pick(idsIn(db, 'users'), n), { name: `M${n}` }),
  'user role': ({ users, db }, n) =>
    users.update(pick(idsIn(db, 'users'), n), { role: n % 2 ? 'admin' : 'viewer' }),
  'user password': ({ users, db }, n) => users.update(pick(idsIn(db, 'users'), n), { passwordHash: `${n}` }),
  'user.delete': ({ users, db }, n) => users.delete(pick(idsIn(db, 'users'), n)),
  login: ({ sessions, db }, n) =>
    sessions.create({ hash: pick(HASHES, n), userId: pick(idsIn(db, 'users'), n), expiresAt: 2e12 }),
  logout: ({ sessions }, n) => sessions.logout(pick(HASHES, n)),
  'media.upload': ({ media }, n) =>
    media.create({ filename: `${n}`, mimeType: 'a/b', size: n, width: 1, height: 1, alt: '', url: '/' }),
  'media.update': ({ media, db }, n) => media.update(pick(idsIn(db, 'media'), n), { alt: `A${n}` }),
  'media.delete': ({ media, db }, n) => media.delete(pick(idsIn(db, 'media'), n)),
  'config.update': ({ config }, n) =>
    config.set(pick(['site', 'menus'], n), { value: n, isPublic: n % 3 === 0 }),
  'plugin.activate': ({ plugins }) => plugins.activate('seo'),
  'plugin.deactivate': ({ plugins }) => plugins.deactivate('seo'),
}

/** Taken addresses and missing authors are part of life here; anything else is not. */
function unlessConstraint(error: unknown): void {
  if (error instanceof ConstraintError) return
  // Of logging in twice with one token.
  if (error instanceof Error && error.message.includes('UNIQUE constraint failed: sessions.id')) return
  throw error
}

const step = fc.tuple(fc.constantFrom(...Object.keys(operations)), fc.nat({ max: 10_000 }))

describe.each(LOG_WRITERS)('the rules, the log written by $writer', ({ database }) => {
  it('name everything that a write changes', async () => {
    const untouched = new Set(Object.keys(operations))
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        const all = world(database())
        all.db.exec(START)
        let before = await readAll(all.db)
        let seen = allEvents(all.db).length
        for (const [name, n] of steps) {
          all.runtime.time += 1000
          await operations[name]?.(all, n).catch(unlessConstraint)
          const after = await readAll(all.db)
          const events = allEvents(all.db)
          const patterns = events.slice(seen).flatMap((event) => event.patterns)
          expect({ name, n, patterns, unnamed: unnamed(before, after, patterns) }).toMatchObject({
            unnamed: [],
          })
          if (events.length > seen && changed(before, after).length > 0) untouched.delete(name)
          seen = events.length
          before = after
        }
      }),
      { numRuns: 25, seed: 7 },
    )
    // The property says nothing of an operation that never did anything.
    expect([...untouched]).toEqual([])
  }, 60_000)
})
