import { readdirSync, readFileSync } from 'node:fs'
import { AUTHORS, FEEDS, GROUPS, POSTS, RATES, SLOWS, TOKENS } from './mini-resources.ts'

const MIGRATIONS = new URL('../../../../packages/cache-core/migrations/', import.meta.url)
const LIBRARY = readdirSync(MIGRATIONS)
  .sort()
  .map((name) => readFileSync(new URL(name, MIGRATIONS), 'utf8'))
  .join('')

const TABLES = `
CREATE TABLE authors (id TEXT PRIMARY KEY, v INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE posts (id TEXT PRIMARY KEY, grp TEXT NOT NULL, author TEXT NOT NULL, v INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE sessions (token TEXT PRIMARY KEY, user TEXT NOT NULL, n INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE feeds (id TEXT PRIMARY KEY, v INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE slows (id TEXT PRIMARY KEY, v INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE rates (id TEXT PRIMARY KEY, v INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE pages (id TEXT PRIMARY KEY, v INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE blobs (id TEXT PRIMARY KEY, v INTEGER NOT NULL) WITHOUT ROWID;
`

const at = (list: readonly string[], i: number): string => list[i % list.length] ?? ''

/** The log, and the little content model with its rows. */
export const miniSchema = ({
  morePosts,
  pages,
}: {
  morePosts: readonly string[]
  pages: readonly string[]
}) => [
  LIBRARY,
  "UPDATE invalidation_state SET epoch = '00000000000000e0'",
  TABLES,
  ...AUTHORS.map((id) => `INSERT INTO authors VALUES ('${id}', 0)`),
  ...POSTS.slice(2).map(
    (id, i) => `INSERT INTO posts VALUES ('${id}', '${at(GROUPS, i)}', '${at(AUTHORS, i)}', 0)`,
  ),
  // One author of hundreds.
  ...morePosts.map((id, i) => `INSERT INTO posts VALUES ('${id}', '${at(GROUPS, i)}', '${AUTHORS[0]}', 0)`),
  ...pages.map((id) => `INSERT INTO pages VALUES ('${id}', 0)`),
  ...TOKENS.slice(1).map((id, i) => `INSERT INTO sessions VALUES ('${id}', '${at(AUTHORS, i)}', ${-i})`),
  ...FEEDS.map((id) => `INSERT INTO feeds VALUES ('${id}', 0)`),
  ...SLOWS.map((id) => `INSERT INTO slows VALUES ('${id}', 0)`),
  ...RATES.map((id) => `INSERT INTO rates VALUES ('${id}', 0)`),
]
