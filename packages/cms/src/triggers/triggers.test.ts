import { nameOf, parsePattern } from '@freshet/cache-core'
import type { SqliteD1 } from '@freshet/test-support'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isEventType, parseEvent } from '../events/event.ts'
import { patternsOf } from '../events/rules.ts'
import { migratedDatabase, triggeredDatabase } from '../testing/database.ts'
import { operations, pick, unlessConstraint } from '../testing/operations.ts'
import { COLLECTIONS, changed, HASHES, idsIn, readAll, SLUGS, START, unnamed } from '../testing/universe.ts'
import { allEvents, type LoggedEvent, world } from '../testing/world.ts'
import { dropTriggers, installTriggers, TRIGGER_TABLES, triggersOf } from './triggers.ts'

const triggerCount = (db: SqliteD1) =>
  db.one("SELECT count(*) AS n FROM sqlite_schema WHERE type = 'trigger'")?.n

describe('the SQL of the triggers', () => {
  const statements = installTriggers()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('--'))

  it('is one line for each statement, far below the 100 KB that D1 takes', () => {
    expect(statements).toHaveLength(2 * TRIGGER_TABLES.flatMap(triggersOf).length)
    for (const statement of statements) {
      expect(statement).toMatch(/^(DROP TRIGGER IF EXISTS \w+|CREATE TRIGGER .* END);$/)
      expect(statement.length).toBeLessThan(20_000)
    }
    expect(installTriggers().length).toBeLessThan(100_000)
  })

  it('can be run again, and is undone by its counterpart, for some tables or all', () => {
    const db = triggeredDatabase()
    const all = triggerCount(db)
    expect(all).toBe(statements.length / 2)
    db.exec(installTriggers())
    expect(triggerCount(db)).toBe(all)
    db.exec(dropTriggers(['media', 'users']))
    expect(triggerCount(db)).toBe(Number(all) - 8)
    db.exec(dropTriggers())
    expect(triggerCount(db)).toBe(0)
    db.exec(installTriggers(['config']))
    expect(triggerCount(db)).toBe(3)
  })
})

/** What the triggers wrote, before a write claimed it. */
function witness(db: SqliteD1): () => (LoggedEvent & { seq: unknown })[] {
  db.exec(`CREATE TABLE written (seq INTEGER PRIMARY KEY, type, payload, patterns);
    CREATE TRIGGER witness AFTER INSERT ON invalidation_log WHEN NEW.event_id GLOB 'sql:*'
      BEGIN INSERT INTO written VALUES (NEW.seq, NEW.type, NEW.payload, NEW.patterns); END`)
  return () =>
    db.sqlite
      .prepare('SELECT * FROM written ORDER BY seq')
      .all()
      .map(({ seq, type, payload, patterns }) => ({
        seq,
        type,
        payload: JSON.parse(String(payload)),
        patterns: JSON.parse(String(patterns)),
      }))
}

/** That a row is an event as any other. */
function expectEvent({ type, payload, patterns }: LoggedEvent): void {
  expect(parseEvent(String(type), payload)).toEqual({ type, payload })
  expect(patterns).toEqual(patternsOf(String(type), payload))
}

describe('a repository’s write', () => {
  it('finds its own event, written by the trigger, and claims it', async () => {
    const claimed = new Set<unknown>()
    const step = fc.tuple(fc.constantFrom(...Object.keys(operations)), fc.nat({ max: 10_000 }))
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        const db = triggeredDatabase()
        const all = world(db)
        db.exec(START)
        const written = witness(db)
        const before = Number(db.one('SELECT max(seq) AS seq FROM invalidation_log')?.seq)
        for (const [name, n] of steps) await operations[name]?.(all, n).catch(unlessConstraint)
        const rows = db.sqlite
          .prepare('SELECT * FROM invalidation_log WHERE seq > ? ORDER BY seq')
          .all(before)
        const bySeq = new Map(written().map((event) => [event.seq, event]))
        expect(rows.map(({ seq }) => seq)).toEqual([...bySeq.keys()])
        for (const { seq, event_id, type, payload, patterns, processed_at } of rows) {
          const event = bySeq.get(seq)
          expect({
            seq,
            type,
            payload: JSON.parse(String(payload)),
            patterns: JSON.parse(String(patterns)),
          }).toEqual(event)
          // What follows from the write is told by the write's own event, and nobody has to send it: but for the
          // sessions that go with their user, which are logged before.
          if (String(event_id).startsWith('sql:'))
            expect(processed_at !== null || type === 'auth.logout').toBe(true)
          else claimed.add(type)
        }
        for (const event of bySeq.values()) expectEvent(event)
      }),
      { numRuns: 25, seed: 11 },
    )
    // All that the repositories can cause; collections are none of theirs.
    expect(claimed.size).toBe(16)
  }, 60_000)
})

type Values = (string | number | null)[]
type Raw = (db: SqliteD1, n: number) => [sql: string, ...values: Values]

const CONFLICTS = ['', 'OR REPLACE', 'OR IGNORE']
const STATUSES = ['draft', 'published', 'archived']
const bit = (n: number) => n % 2
const data = (n: number) => JSON.stringify({ featured: n % 3 === 0, n })
const some = (db: SqliteD1, table: string, n: number) => pick(idsIn(db, table), n)
const contentRow = (n: number): Values => [
  pick(['c0', 'c1', 'c2', 'c3', '00000000-0000-4000-8000-000000000001'], n),
  pick(COLLECTIONS, n >> 1),
  pick(SLUGS, n >> 2),
  `R${n}`,
  pick(STATUSES, n >> 3),
  data(n),
]
const INTO_CONTENT = 'INTO content (id, collection_id, slug, title, status, data, created_at, updated_at)'
const sessionRow = (db: SqliteD1, n: number): Values => [pick(HASHES, n), some(db, 'users', n >> 1)]
const userRow = (n: number): Values => [
  pick(['u0', 'u1', '00000000-0000-4000-8000-000000000002'], n),
  `u${n % 5}@example.com`,
  `R${n}`,
]

/** What a console, an import or another Worker may do, ids and unique columns included. */
const raw: Record<string, Raw> = {
  'insert content': (_, n) => [
    `INSERT ${pick(CONFLICTS, n >> 4)} ${INTO_CONTENT} VALUES (?, ?, ?, ?, ?, ?, 0, 0)`,
    ...contentRow(n),
  ],
  'upsert content': (_, n) => [
    `INSERT ${INTO_CONTENT} VALUES (?, ?, ?, ?, ?, ?, 0, 0) ON CONFLICT (id) DO UPDATE SET title = excluded.title, slug = excluded.slug`,
    ...contentRow(n),
  ],
  'content slug': (db, n) => [
    `UPDATE ${pick(['', 'OR REPLACE'], n >> 5)} content SET slug = ? WHERE id = ?`,
    pick(SLUGS, n >> 3),
    some(db, 'content', n),
  ],
  'content moved': (db, n) => [
    `UPDATE ${pick(['', 'OR REPLACE'], n >> 5)} content SET collection_id = ? WHERE id = ?`,
    pick(COLLECTIONS, n >> 3),
    some(db, 'content', n),
  ],
  'content id': (db, n) => [
    `UPDATE ${pick(['', 'OR REPLACE'], n >> 5)} content SET id = ? WHERE id = ?`,
    pick(['c0', 'c3', '00000000-0000-4000-8000-000000000003'], n >> 2),
    some(db, 'content', n),
  ],
  'content status': (db, n) => [
    'UPDATE content SET status = ?, data = ? WHERE id = ?',
    pick(STATUSES, n >> 3),
    data(n >> 2),
    some(db, 'content', n),
  ],
  'all titles': (_, n) => ['UPDATE content SET title = title || ?', `${n}`],
  'content gone': (db, n) => ['DELETE FROM content WHERE id = ?', some(db, 'content', n)],
  'all of a status gone': (_, n) => ['DELETE FROM content WHERE status = ?', pick(STATUSES, n)],
  'relation set': (db, n) => [
    `INSERT ${pick(CONFLICTS, n >> 4)} INTO content_relationships VALUES (?, 'author', ?, NULL)`,
    some(db, 'content', n),
    some(db, 'users', n >> 1),
  ],
  'file set': (db, n) => [
    `INSERT ${pick(CONFLICTS, n >> 4)} INTO content_relationships VALUES (?, 'featuredMedia', NULL, ?)`,
    some(db, 'content', n),
    some(db, 'media', n >> 1),
  ],
  'relation changed': (db, n) => [
    "UPDATE content_relationships SET user_id = ? WHERE relation = 'author' AND content_id = ?",
    some(db, 'users', n >> 1),
    some(db, 'content', n),
  ],
  'relation moved': (db, n) => [
    'UPDATE OR IGNORE content_relationships SET content_id = ? WHERE content_id = ?',
    some(db, 'content', n >> 2),
    some(db, 'content', n),
  ],
  'relation gone': (db, n) => [
    'DELETE FROM content_relationships WHERE content_id = ?',
    some(db, 'content', n),
  ],
  'insert user': (_, n) => [
    `INSERT ${pick(CONFLICTS, n >> 4)} INTO users (id, email, name, role, created_at, updated_at) VALUES (?, ?, ?, 'editor', 0, 0)`,
    ...userRow(n),
  ],
  'user name': (db, n) => ['UPDATE users SET name = ? WHERE id = ?', `N${n}`, some(db, 'users', n)],
  'user role': (_, n) => ['UPDATE users SET role = ?', pick(['admin', 'viewer'], n)],
  'user address': (db, n) => [
    `UPDATE ${pick(['', 'OR REPLACE'], n >> 5)} users SET email = ? WHERE id = ?`,
    `u${(n >> 2) % 3}@example.com`,
    some(db, 'users', n),
  ],
  'user id': (db, n) => ['UPDATE users SET id = ? WHERE id = ?', 'u1', some(db, 'users', n)],
  'user seen': (db, n) => ['UPDATE users SET last_login_at = ? WHERE id = ?', n, some(db, 'users', n)],
  'user gone': (db, n) => ['DELETE FROM users WHERE id = ?', some(db, 'users', n)],
  'insert session': (db, n) => [
    `INSERT ${pick(CONFLICTS, n >> 4)} INTO sessions VALUES (?, ?, 0, ?)`,
    ...sessionRow(db, n),
    2e12 + n,
  ],
  'session extended': (db, n) => [
    'UPDATE sessions SET expires_at = ?, user_id = ?',
    2e12 - n,
    some(db, 'users', n),
  ],
  'session renamed': (_, n) => [
    `UPDATE ${pick(['', 'OR REPLACE'], n >> 5)} sessions SET id = ? WHERE id = ?`,
    pick(HASHES, n),
    pick(HASHES, n >> 1),
  ],
  'session gone': (_, n) => ['DELETE FROM sessions WHERE id = ?', pick(HASHES, n)],
  'insert media': (_, n) => [
    `INSERT ${pick(CONFLICTS, n >> 4)} INTO media (id, filename, mime_type, size, url, created_at, updated_at) VALUES (?, ?, 'a/b', ?, '/', 0, 0)`,
    pick(['m0', 'm1', '00000000-0000-4000-8000-000000000004'], n),
    `f${n}`,
    n,
  ],
  'media changed': (db, n) => ['UPDATE media SET alt = ? WHERE id = ?', `A${n}`, some(db, 'media', n)],
  'media id': (db, n) => [
    'UPDATE OR REPLACE media SET id = ? WHERE id = ?',
    pick(['m0', 'm1'], n >> 2),
    some(db, 'media', n),
  ],
  'media gone': (db, n) => ['DELETE FROM media WHERE id = ?', some(db, 'media', n)],
  'insert plugin': (_, n) => [
    `INSERT ${pick(CONFLICTS, n >> 4)} INTO plugins VALUES (?, 'P', '1', ?, '{}', 0)`,
    pick(['seo', 'new'], n),
    pick(['active', 'inactive'], n >> 1),
  ],
  'plugin settings': (_, n) => ['UPDATE plugins SET settings = ?', JSON.stringify({ n })],
  'plugin status': (_, n) => ['UPDATE plugins SET status = ?', pick(['active', 'inactive'], n)],
  'plugin gone': (db, n) => ['DELETE FROM plugins WHERE id = ?', some(db, 'plugins', n)],
  'insert config': (_, n) => [
    `INSERT ${pick(CONFLICTS, n >> 4)} INTO config (key, value, updated_at) VALUES (?, ?, 0)`,
    pick(['site', 'menus'], n),
    `${n}`,
  ],
  'config changed': (_, n) => ['UPDATE config SET value = ?, is_public = ?', `${n}`, bit(n)],
  'config renamed': (_, n) => [
    'UPDATE OR REPLACE config SET key = ? WHERE key = ?',
    pick(['site', 'menus'], n),
    pick(['site', 'menus'], n >> 1),
  ],
  'config gone': (_, n) => ['DELETE FROM config WHERE key = ?', pick(['site', 'menus'], n)],
  'insert collection': (_, n) => [
    "INSERT OR IGNORE INTO collections (id, name, created_at) VALUES (?, 'N', 0)",
    `c${n % 3}`,
  ],
  'collection renamed': (_, n) => ['UPDATE collections SET name = ?', `N${n}`],
  'collection gone': (db, n) => ['DELETE FROM collections WHERE id = ?', some(db, 'collections', n)],
}

describe('a write past the API', () => {
  it('is named by what the triggers log, whatever it does', async () => {
    const untouched = new Set(Object.keys(raw))
    const step = fc.tuple(fc.constantFrom(...Object.keys(raw)), fc.nat({ max: 10_000 }))
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
        const { db } = world(triggeredDatabase())
        db.exec(START)
        const written = witness(db)
        let before = await readAll(db)
        let seen = 0
        for (const [name, n] of steps) {
          const [sql, ...values] = raw[name]?.(db, n) ?? ['']
          await db.batch([db.prepare(sql).bind(...values)]).catch((error) => {
            expect(String(error)).toContain('constraint failed')
          })
          const after = await readAll(db)
          const events = written().slice(seen)
          const patterns = events.flatMap((event) => event.patterns)
          expect({ name, n, patterns, unnamed: unnamed(before, after, patterns) }).toMatchObject({
            unnamed: [],
          })
          for (const event of events) expectEvent(event)
          if (changed(before, after).length > 0) untouched.delete(name)
          seen += events.length
          before = after
        }
      }),
      { numRuns: 30, seed: 5 },
    )
    // The property says nothing of a statement that never changed what reads see.
    expect([...untouched]).toEqual([])
  }, 120_000)

  it('touches no other names than it must: the rest of the site stays cached', async () => {
    const { db } = world(triggeredDatabase())
    db.exec(START)
    const written = witness(db)
    db.exec(
      "UPDATE users SET last_login_at = 5 WHERE id = 'u0'; UPDATE content SET title = 'T' WHERE id = 'c1'",
    )
    expect(written()).toMatchObject([
      { type: 'auth.login', patterns: ['user:activity:u0'] },
      {
        type: 'content.update',
        patterns: [
          'content:item:c1',
          'api:list:posts:draft:*',
          'api:list:posts:any:*',
          'api:feed:draft:*',
          'api:feed:any:*',
        ],
      },
    ])
  })

  it.each([
    [
      'an item, by its address',
      `INSERT OR REPLACE ${INTO_CONTENT} VALUES ('new', 'posts', 'one', 'T', 'draft', '{}', 0, 0)`,
      ['content.delete', 'content:item:c0', 'api:featured:published:*'],
    ],
    [
      'an item, by its id',
      `INSERT OR REPLACE ${INTO_CONTENT} VALUES ('c0', 'posts', 'three', 'T', 'draft', '{}', 0, 0)`,
      ['content.update', 'content:slug:posts:one', 'api:list:posts:published:*'],
    ],
    [
      'an item, as another is renamed',
      "UPDATE OR REPLACE content SET slug = 'one' WHERE id = 'c1'",
      ['content.delete', 'content:item:c0'],
    ],
    [
      'a user, by their address',
      "INSERT OR REPLACE INTO users (id, email, name, role, created_at, updated_at) VALUES ('new', 'u0@example.com', 'N', 'viewer', 0, 0)",
      ['user.delete', 'user:profile:u0', 'session:user:u0'],
    ],
    [
      'a user, as another moves',
      "UPDATE OR REPLACE users SET email = 'u0@example.com' WHERE id = 'u1'",
      ['user.delete', 'user:profile:u0'],
    ],
    [
      'a session',
      `INSERT OR REPLACE INTO sessions VALUES ('${HASHES[0]}', 'u1', 0, 9)`,
      ['auth.logout', `session:token:${HASHES[0]}`],
    ],
    [
      'a session, as another is renamed',
      `UPDATE OR REPLACE sessions SET id = '${HASHES[0]}' WHERE id = '${HASHES[1]}'`,
      ['auth.logout', `session:token:${HASHES[0]}`],
    ],
  ])('that replaces %s is told of what is gone', (_, sql, [type, ...patterns]) => {
    const { db } = world(triggeredDatabase())
    db.exec(START)
    for (const hash of HASHES) db.exec(`INSERT INTO sessions VALUES ('${hash}', 'u0', 0, 1)`)
    const written = witness(db)
    db.exec(sql)
    expect(written()[0]).toMatchObject({ type, patterns: expect.arrayContaining(patterns) })
  })

  it('that deletes a user is not told once more for each of their posts', () => {
    const { db } = world(triggeredDatabase())
    db.exec(START)
    const written = witness(db)
    db.exec(
      "DELETE FROM users WHERE id = 'u0'; DELETE FROM media WHERE id = 'm0'; DELETE FROM content WHERE id = 'c2'",
    )
    expect(written().map(({ type }) => type)).toEqual(['user.delete', 'media.delete', 'content.delete'])
  })

  it('that fails logs nothing', () => {
    const { db } = world(triggeredDatabase())
    db.exec(START)
    const before = allEvents(db).length
    expect(() => db.exec("UPDATE content SET status = 'gone'")).toThrow('CHECK constraint failed')
    expect(() => db.exec("UPDATE content SET slug = 'two' WHERE id = 'c0'")).toThrow('UNIQUE')
    expect(allEvents(db)).toHaveLength(before)
  })

  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom(
      '',
      '*',
      'a:b',
      '%',
      '%3A',
      "it's",
      '"',
      '\\',
      '\u0000',
      'x'.repeat(1025),
      '€'.repeat(400),
    ),
  )
  const id = fc.oneof(text, fc.constant(null))

  it('logs an event, or at least what to invalidate, for rows of any text, and never refuses one', () => {
    const kinds = new Set<boolean>()
    fc.assert(
      fc.property(id, text, text, text, (one, slug, other, collection) => {
        const db = triggeredDatabase()
        db.sqlite.prepare("INSERT INTO collections (id, name, created_at) VALUES (?, 'N', 0)").run(collection)
        const written = witness(db)
        const run = (sql: string, ...values: Values) => db.sqlite.prepare(sql).run(...values)
        run(`INSERT ${INTO_CONTENT} VALUES (?, ?, ?, 'T', 'published', '{}', 0, 0)`, one, collection, slug)
        run('UPDATE content SET slug = ?', other)
        run(
          "INSERT INTO users (id, email, name, role, created_at, updated_at) VALUES (?, ?, 'N', 'viewer', 0, 0)",
          one,
          slug,
        )
        run("INSERT INTO config (key, value, updated_at) VALUES (?, '1', 0)", one)
        run(
          "INSERT INTO media (id, filename, mime_type, size, url, created_at, updated_at) VALUES (?, 'f', 'a/b', 1, '/', 0, 0)",
          one,
        )
        if (one !== null) run('INSERT INTO sessions VALUES (?, ?, 0, 0)', slug, one)
        run('DELETE FROM sessions')
        for (const event of written()) {
          kinds.add(isEventType(String(event.type)))
          if (isEventType(String(event.type))) expectEvent(event)
          else
            expect(event).toMatchObject({ type: 'cache.invalidate', payload: { patterns: event.patterns } })
        }
        const all = written().flatMap(({ patterns }) => patterns)
        for (const pattern of all) if (pattern.length <= 4096) expect(parsePattern(pattern)).toBe(pattern)
        if (one === null || one === '') return
        const segments = [one, slug, other].map((part) => part.toWellFormed())
        const [name = '', first = '', second = ''] = segments
        expect(all).toEqual(
          expect.arrayContaining([
            nameOf('content', 'item', name),
            nameOf('user', 'profile', name),
            nameOf('media', 'file', name),
            nameOf('config', 'value', name),
            'api:feed:published:*',
            ...(collection === '' || first === '' ? [] : [nameOf('content', 'slug', collection, first)]),
            ...(collection === '' || second === '' ? [] : [nameOf('content', 'slug', collection, second)]),
          ]),
        )
      }),
      { numRuns: 150, seed: 3 },
    )
    expect(kinds.size).toBe(2)
  })
})

describe('without its triggers a table', () => {
  it('logs nothing of what others do, and the API’s writes as before', async () => {
    const all = world(migratedDatabase())
    all.db.exec(START)
    expect(allEvents(all.db)).toEqual([])
    await all.content.update('c1', { title: 'Own' })
    expect(allEvents(all.db)).toHaveLength(1)
  })
})
