import { ConstraintError } from '../repositories/constraint-error.ts'
import { COLLECTIONS, HASHES, idsIn, SLUGS } from './universe.ts'
import type { World } from './world.ts'

/** One of some, by a number. */
export const pick = (from: string[], n: number): string => from[n % Math.max(1, from.length)] ?? 'nobody'

type Operation = (world: World, n: number) => Promise<unknown>

/** Everything that can be written through the repositories. */
export const operations: Record<string, Operation> = {
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
export function unlessConstraint(error: unknown): void {
  if (error instanceof ConstraintError) return
  // Of logging in twice with one token.
  if (error instanceof Error && error.message.includes('UNIQUE constraint failed: sessions.id')) return
  throw error
}
