import { buildKey, type Database, matches, type Source } from '@freshet/cache-core'
import { FIRST_CONTENT_PAGE, FIRST_MEDIA_PAGE, STATUS_FILTERS } from '../input/list.ts'
import { resources } from '../resources/table.ts'
import type { World } from './world.ts'

/** A small world of which everything that can be read is read after each write. */
export const SLUGS = ['one', 'two', 'three']
export const COLLECTIONS = ['posts', 'news']
export const HASHES = ['a', 'b'].map((digit) => digit.repeat(64))

/** Those that are there at the start, and the first that the runtime makes. */
const IDS = [
  ...['c0', 'c1', 'c2', 'c3', 'u0', 'u1', 'm0', 'm1'],
  ...Array.from({ length: 10 }, (_, i) => `00000000-0000-4000-8000-${String(i + 1).padStart(12, '0')}`),
]

export const START = `
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

export interface Read {
  text: string
  /** What the entry's validity hangs on: its key and its tags. */
  names: string[]
}

/** Everything that there is to read. */
export async function readAll(db: Database): Promise<Read[]> {
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
export function idsIn(db: World['db'], table: string, column = 'id'): string[] {
  return db.sqlite
    .prepare(`SELECT ${column} AS id FROM ${table} ORDER BY id`)
    .all()
    .map(({ id }) => String(id))
}

/** A token is 256 random bits: nobody asked for it before it was made, so nothing has to forget that it was not found. */
const isNewSession = ({ text, names: [key = ''] }: Read) =>
  text === 'null' && key.startsWith('session:token:')

/** What reads differently, and is named by none of the patterns. */
export function unnamed(
  before: readonly Read[],
  after: readonly Read[],
  patterns: readonly string[],
): Read[] {
  return changed(before, after).filter(
    ({ names }) => !patterns.some((pattern) => names.some((name) => matches(pattern, name))),
  )
}

/** What reads differently, as it was before. */
export function changed(before: readonly Read[], after: readonly Read[]): Read[] {
  return before.filter((read, i) => read.text !== after[i]?.text && !isNewSession(read))
}
