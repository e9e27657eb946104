import { CacheService, Isolate, parseSettings, TRIGGER_EVENT_PREFIX } from '@freshet/cache-core'
import { ManualRuntime, MemoryKv, type SqliteD1 } from '@freshet/test-support'
import { CACHE_CONFIGS } from '../policies.ts'
import { CollectionRepository } from '../repositories/collection.ts'
import { ConfigRepository } from '../repositories/config.ts'
import { ContentRepository } from '../repositories/content.ts'
import { MediaRepository } from '../repositories/media.ts'
import { PluginRepository } from '../repositories/plugin.ts'
import { SessionRepository } from '../repositories/session.ts'
import { UserRepository } from '../repositories/user.ts'
import { migratedDatabase } from './database.ts'

/** One isolate over a migrated database with two collections and nothing else, and all repositories. */
export function world(db: SqliteD1 = migratedDatabase()) {
  db.exec(
    "INSERT OR IGNORE INTO collections (id, name, created_at) VALUES ('posts', 'Posts', 0), ('news', 'News', 0)",
  )
  const runtime = new ManualRuntime()
  const sent: unknown[] = []
  const events = {
    send: async (body: unknown) => void sent.push(body),
    sendBatch: async (messages: Iterable<{ body: unknown }>) => {
      for (const { body } of messages) sent.push(body)
    },
  }
  const isolate = new Isolate({ configs: CACHE_CONFIGS, settings: parseSettings({}), runtime })
  const kv = new MemoryKv(runtime.now)
  const io = { db, kv, events, waitUntil: () => {} }
  const cache = new CacheService(isolate, io)
  return {
    db,
    kv,
    runtime,
    cache,
    /** Messages that went to the queue, in order. */
    sent,
    content: new ContentRepository(cache, db, runtime),
    users: new UserRepository(cache, db, runtime),
    media: new MediaRepository(cache, db, runtime),
    collections: new CollectionRepository(cache),
    config: new ConfigRepository(cache, db, runtime),
    plugins: new PluginRepository(cache, db, runtime),
    sessions: new SessionRepository(cache, db, runtime),
  }
}

export type World = ReturnType<typeof world>

/** A row of the log. */
export interface LoggedEvent {
  type: unknown
  payload: unknown
  patterns: string[]
}

/** What was logged in the name of the repositories' events, in order. */
export function loggedEvents(db: SqliteD1): LoggedEvent[] {
  return eventsWhere(db, `substr(event_id, 1, ${TRIGGER_EVENT_PREFIX.length}) <> '${TRIGGER_EVENT_PREFIX}'`)
}

/** All rows of the log, in order: those that triggers wrote of their own as well. */
export function allEvents(db: SqliteD1): LoggedEvent[] {
  return eventsWhere(db, 'TRUE')
}

function eventsWhere(db: SqliteD1, condition: string): LoggedEvent[] {
  return db.sqlite
    .prepare(`SELECT type, payload, patterns FROM invalidation_log WHERE ${condition} ORDER BY seq`)
    .all()
    .map(({ type, payload, patterns }) => ({
      type,
      payload: JSON.parse(String(payload)),
      patterns: JSON.parse(String(patterns)),
    }))
}
