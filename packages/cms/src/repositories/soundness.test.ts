import { buildKey, type Database, matches, type Source } from '@freshet/cache-core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FIRST_CONTENT_PAGE, FIRST_MEDIA_PAGE, STATUS_FILTERS } from '../input/list.ts'
import { resources } from '../resources/table.ts'
import { loggedEvents, type World, world } from '../testing/world.ts'
import { ConstraintError } from './constraint-error.ts'

/**
 * The rules against reality: after any write, whatever reads differently than before must be named by the write's event,
 * by its key or by a tag that it had before.
 */

const SLUGS = ['one', 'two', 'three']
const COLLECTIONS = ['posts', 'news']
const HASHES = ['a', 'b'].map((digit) => digit.repeat(64))

/** Those that are there at the start, and the first that the runtime makes. */
const IDS = [
  ...['c0', 'c1', 'c2', 'c3', 'u0', 'u1', 'm0', 'm1'],
  ...Array.from({ length: 10 }, (_, i) => `00000000-0000-4000-8000-${String(i + 1).padStart(12, '0')}`),
]

const START = `
  INSERT INTO plugins VALUES ('seo', 'SEO', '1', 'inactive', '{}', 0);
  INSERT INTO users (id, email, name, role, created_at, updated_at)
    VALUES ('u0', 'u0@example.com', 'U0', 'editor', 0, 0), ('u1', 'u1@example.com', 'U1', 'viewer', 0, 0);
  INSERT INTO media (id, filename, mime_type, size, url, created_at, updated_at)
    VALUES ('m0', 'm0.png', 'image/png', 1, '/m0', 0, 0), ('m1', 'm1.png', 'image/png', 1, '/m1', 0, 0);
  INSERT INTO content (id, collection_id, slug, title, status, data, created_at, updated_at, published_at)
    VALUES ('c0', 'posts', 'one', 'C0', 'published', '{"featured":true}', 0, 0, 0),
           ('c1', 'posts', 'two', 'C1', 'draft', '{}', 0, 0, NULL),
           ('c2', 'news', 'one', 'C2', 'published', '{}', 0, 0, 0),
           ('c3', 'news', 'two', 'C3', 'archived', '{"featured":true}', 0, 0, 0);
  INSERT INTO content_relationships
    VALUES ('c0', 'author', 'u0', NULL), ('c0', 'featuredMedia', NULL, 'm0'), ('c2', 'author', 'u1', NULL),
           ('c3', 'featuredMedia', NULL, 'm1');
`

const universe: Source<unknown>[] = [
  ...IDS.flatMap((id) => [
    resources.contentItem.at({ id }),
    resources.userProfile.at({ id }),
    resources.userPermissions.at({ id }),
    resources.mediaItem.at({ id }),
  ]),
  ...COLLECTIONS.flatMap((collection) => SLUGS.map((slug) => resources.contentSlug.at({ collection, slug }))),
  ...STATUS_FILTERS.flatMap((status) => [
    ...COLLECTIONS.map((collection) =>
      resources.contentList.at({ collection, ...FIRST_CONTENT_PAGE, status }),
    ),
    resources.contentFeed.at({ ...FIRST_CONTENT_PAGE, status, sortBy: 'title' }),
    resources.featured.at({ ...FIRST_CONTENT_PAGE, status }),
  ]),
  resources.collections.at({}),
  resources.mediaList.at(FIRST_MEDIA_PAGE),
  resources.configValue.at({ key: 'site' }),
  resources.configValue.at({ key: 'menus' }),
  resources.plugins.at({ status: 'active' }),
  resources.plugins.at({ status: 'all' }),
  ...HASHES.map((hash) => resources.session.at({ hash })),
]

interface Read {
  text: string
  /** What the entry's validity hangs on: its key and its tags. */
  names: string[]
}

async function readAll(db: Database): Promise<Read[]> {
  const loads = universe.map((source) => ({ source, ...source.load(db) }))
  const results = await db.batch(loads.flatMap(({ statements }) => statements))
  let at = 0
  return loads.map(({ source, statements, decode }) => {
    const value = decode(results.slice(at, at + statements.length))
    at += statements.length
    const { namespace, entity, id } = source
    const { path } = buildKey({ namespace, entity, id, version: '1.1' })
    return { text: JSON.stringify(value), names: [path, ...source.tags(value)] }
  })
}

/** What exists, to choose from. */
function idsIn(db: World['db'], table: string): string[] {
  return db.sqlite
    .prepare(`SELECT id FROM ${table} ORDER BY id`)
    .all()
    .map(({ id }) => String(id))
}

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

/** A token is 256 random bits: nobody asked for it before it was made, so nothing has to forget that it was not found. */
const isNewSession = (before: string, [key = '']: string[]) =>
  before === 'null' && key.startsWith('session:token:')

const step = fc.tuple(fc.constantFrom(...Object.keys(operations)), fc.nat({ max: 10_000 }))

describe('the rules', () => {
  it('name everything that a write changes', async () => {
    const untouched = new Set(Object.keys(operations))
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        const all = world()
        all.db.exec(START)
        let before = await readAll(all.db)
        let seen = 0
        for (const [name, n] of steps) {
          all.runtime.time += 1000
          await operations[name]?.(all, n).catch(unlessConstraint)
          const after = await readAll(all.db)
          const events = loggedEvents(all.db)
          const patterns = events.slice(seen).flatMap((event) => event.patterns)
          const changed = before.filter(
            ({ text, names }, i) => text !== after[i]?.text && !isNewSession(text, names),
          )
          for (const { text, names } of changed) {
            const named = patterns.some((pattern) => names.some((one) => matches(pattern, one)))
            expect({ name, n, text, names, patterns, named }).toMatchObject({ named: true })
          }
          if (events.length > seen && changed.length > 0) untouched.delete(name)
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
