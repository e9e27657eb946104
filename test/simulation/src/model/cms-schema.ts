import { readdirSync, readFileSync } from 'node:fs'

const MIGRATIONS = new URL('../../../../packages/cms/migrations/', import.meta.url)

/** Rows that are there when a run begins. */
export const ITEMS = Array.from({ length: 8 }, (_, i) => `c${i}`)
export const USERS = ['u0', 'u1', 'u2']
export const FILES = ['m0', 'm1']
export const COLLECTIONS = ['posts', 'news']
export const HASHES = ['a', 'b', 'c'].map((digit) => digit.repeat(64))

/** The content model's own migrations, and a handful of rows. */
export const cmsSchema: readonly string[] = [
  ...readdirSync(MIGRATIONS)
    .sort()
    .map((name) => readFileSync(new URL(name, MIGRATIONS), 'utf8')),
  "UPDATE invalidation_state SET epoch = '00000000000000e0'",
  ...COLLECTIONS.map((id) => `INSERT INTO collections VALUES ('${id}', '${id}', '', 0)`),
  ...USERS.map(
    (id) =>
      `INSERT INTO users (id, email, name, role, created_at, updated_at) VALUES ('${id}', '${id}@example.com', '${id}', 'editor', 0, 0)`,
  ),
  ...FILES.map(
    (id) =>
      `INSERT INTO media (id, filename, mime_type, size, url, created_at, updated_at) VALUES ('${id}', '${id}', 'image/png', 1, '/${id}', 0, 0)`,
  ),
  ...ITEMS.flatMap((id, i) => [
    `INSERT INTO content (id, collection_id, slug, title, status, data, created_at, updated_at, published_at)
     VALUES ('${id}', '${COLLECTIONS[i % 2]}', '${id}', '${id}', '${i % 4 === 3 ? 'draft' : 'published'}', '${i === 0 ? '{"featured":true}' : '{}'}', 0, 0, ${i % 4 === 3 ? 'NULL' : '0'})`,
    `INSERT INTO content_relationships VALUES ('${id}', 'author', '${USERS[i % 3]}', NULL)`,
  ]),
  ...HASHES.map((hash, i) => `INSERT INTO sessions VALUES ('${hash}', '${USERS[i]}', 0, 4000000000000)`),
  `INSERT INTO plugins VALUES ('seo', 'SEO', '1', 'inactive', '{}', 0)`,
  `INSERT INTO config VALUES ('site', '{}', 1, 1, 0)`,
]
