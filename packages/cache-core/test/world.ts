import { readFileSync } from 'node:fs'
import { ManualRuntime, MemoryKv, SqliteD1, settle } from '@freshet/test-support'
import * as v from 'valibot'
import {
  type CacheConfig,
  type CacheConfigs,
  CacheService,
  type Database,
  defineResource,
  type FenceLimits,
  Isolate,
  parseSettings,
  type RequestIo,
  type ResourceHandle,
} from '../src/index.ts'

const MIGRATIONS = [
  '0001_invalidation_log.sql',
  '0002_pipeline.sql',
  '0003_statistics.sql',
  '0004_verification.sql',
].map((name) => readFileSync(new URL(`../migrations/${name}`, import.meta.url), 'utf8'))

export function policyOf(overrides: Partial<CacheConfig> = {}): CacheConfig {
  return {
    namespace: 'content',
    ttl: 3600,
    memoryEnabled: true,
    kvEnabled: true,
    invalidateOn: [],
    maxStalenessMs: 5000,
    staleIfErrorSeconds: 0,
    visibility: 'public',
    version: 1,
    ...overrides,
  }
}

export const CONFIGS: CacheConfigs = {
  content: policyOf({ staleIfErrorSeconds: 3600 }),
  user: policyOf({ namespace: 'user', visibility: 'private' }),
  session: policyOf({ namespace: 'session', kvEnabled: false, maxStalenessMs: 1000, visibility: 'private' }),
}

export interface Post {
  id: string
  title: string
}

const PostRow = v.object({ id: v.string(), title: v.string() })

/** A table of posts, each read as `content:post:{id}` with the tag `user:profile:{author}`. */
export const posts: ResourceHandle<{ id: string }, Post> = defineResource({
  name: 'post',
  namespace: 'content',
  parseParams: (input) => v.parse(v.strictObject({ id: v.string() }), input),
  key: ({ id }) => ({ entity: 'post', id }),
  tags: (value) => (value === null ? [] : ['user:profile:7']),
  label: (post) => post.title.slice(0, 1),
  load: (db, { id }) => ({
    statements: [db.prepare('SELECT id, title FROM posts WHERE id = ?').bind(id)],
    decode: ([result]) => v.parse(v.array(PostRow), result?.results)[0] ?? null,
  }),
  parse: (json) => v.parse(PostRow, json),
})

export const resources = { post: posts }

/** A queue that keeps what it is sent. */
export class CapturedQueue {
  readonly sent: unknown[] = []
  fails = false
  metrics?: () => Promise<{ backlogCount: number }>

  async send(body: unknown): Promise<void> {
    await this.sendBatch([{ body }])
  }

  async sendBatch(messages: Iterable<{ body: unknown }>): Promise<void> {
    if (this.fails) throw new Error('queue overloaded')
    for (const { body } of messages) this.sent.push(body)
  }
}

/** One request's or batch's worth of promises that outlive it. */
class Background {
  readonly promises: Promise<unknown>[] = []
  waitUntil = (promise: Promise<unknown>): void => {
    this.promises.push(promise)
  }
}

/** D1, KV, a queue and a clock that several isolates share. */
export class World {
  readonly runtime = new ManualRuntime()
  readonly d1 = new SqliteD1()
  readonly kv = new MemoryKv(this.runtime.now)
  readonly events = new CapturedQueue()
  readonly background = new Background()
  readonly db: Database = this.d1

  constructor() {
    for (const migration of MIGRATIONS) this.d1.exec(migration)
    this.d1.exec('CREATE TABLE posts (id TEXT PRIMARY KEY, title TEXT NOT NULL)')
  }

  io(overrides: Partial<RequestIo> = {}): RequestIo {
    return {
      db: this.db,
      kv: this.kv,
      events: this.events,
      waitUntil: this.background.waitUntil,
      ...overrides,
    }
  }

  /** A new isolate with its cache. */
  isolate(
    options: {
      env?: Record<string, string>
      configs?: CacheConfigs
      fence?: FenceLimits
      keepsFresh?: boolean
      io?: Partial<RequestIo>
    } = {},
  ) {
    const isolate = new Isolate({
      configs: options.configs ?? CONFIGS,
      settings: parseSettings(options.env ?? {}),
      runtime: this.runtime,
      ...(options.fence !== undefined && { fence: options.fence }),
      ...(options.keepsFresh !== undefined && { keepsFresh: options.keepsFresh }),
    })
    return { isolate, cache: new CacheService(isolate, this.io(options.io)) }
  }

  /** Puts a post into D1 past the cache, as a migration would: no log row. */
  plant(id: string, title: string): void {
    this.d1.sqlite.prepare('INSERT OR REPLACE INTO posts VALUES (?, ?)').run(id, title)
  }

  /** A write as another Worker makes it, whose isolate is not one of ours. */
  writeElsewhere(id: string, title: string, patterns = [`content:post:${id}`]): number {
    this.plant(id, title)
    return this.logElsewhere(patterns)
  }

  logElsewhere(patterns: readonly string[], type = 'post.update'): number {
    const row = this.d1.one(
      `INSERT INTO invalidation_log (event_id, type, payload, patterns, created_at) VALUES (?, ?, '{}', ?, ?) RETURNING seq`,
      this.runtime.uuid(),
      type,
      JSON.stringify(patterns),
      this.runtime.now(),
    )
    return Number(row?.seq)
  }

  /** The change that sets a post's title, guarded so that an unknown id changes nothing. */
  retitle(id: string, title: string) {
    return {
      statement: this.db.prepare('UPDATE posts SET title = ? WHERE id = ?').bind(title, id),
      event: { type: 'post.update', payload: { id }, patterns: [`content:post:${id}`] },
    }
  }

  /** Many rows of the log at once, each with a pattern of its own, unless told otherwise. */
  logMany(count: number, pattern = "'content:other:' || value"): void {
    this.d1.exec(`INSERT INTO invalidation_log (event_id, type, payload, patterns, created_at)
      WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ${count})
      SELECT lower(hex(randomblob(8))), 'post.update', '{}', json_array(${pattern}), ${this.runtime.now()} FROM n`)
  }

  /** The epoch that D1 has. */
  get epoch(): string {
    return String(this.d1.one('SELECT epoch FROM invalidation_state')?.epoch)
  }

  /** The log's head in D1. */
  get head(): number {
    return Number(this.d1.one('SELECT coalesce(max(seq), 0) AS head FROM invalidation_log')?.head)
  }

  /** Remembers the database as it is. @returns what brings it back, as a restored backup would */
  backup(): () => void {
    const tables = ['posts', 'invalidation_log', 'invalidation_state', 'sqlite_sequence']
    const rows = tables.map((table) => this.d1.sqlite.prepare(`SELECT * FROM ${table}`).all())
    return () => {
      tables.forEach((table, i) => {
        this.d1.exec(`DELETE FROM ${table}`)
        for (const row of rows[i] ?? []) {
          const names = Object.keys(row)
          this.d1.sqlite
            .prepare(`INSERT INTO ${table} (${names.join()}) VALUES (${names.map(() => '?').join()})`)
            .run(...Object.values(row))
        }
      })
    }
  }

  /** Number of batches that D1 was sent since the last call. */
  queries(): number {
    const count = this.d1.log.length
    this.d1.log.length = 0
    return count
  }

  settle = settle
}
