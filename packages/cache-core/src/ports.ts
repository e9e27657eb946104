/**
 * The outside world as this library sees it. The real bindings of a Worker satisfy these types as they are; the
 * simulator binds its own. Nothing else in the library touches a clock, a timer, randomness or the network.
 */

/** Time, timers and randomness of one isolate. All times are milliseconds since the Unix epoch. */
export interface Runtime {
  /** Stands still between I/O in production, so it never measures CPU time. */
  now(): number
  /** Uniform in [0, 1). */
  random(): number
  /** A fresh, globally unique id. */
  uuid(): string
  setTimeout(callback: () => void, ms: number): unknown
  clearTimeout(handle: unknown): void
}

/** The runtime of a real isolate. */
export const systemRuntime: Runtime = {
  now: () => Date.now(),
  random: () => Math.random(),
  uuid: () => crypto.randomUUID(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (handle) => clearTimeout(handle as Parameters<typeof clearTimeout>[0]),
}

/** A prepared SQL statement (`D1PreparedStatement`). */
export interface Statement {
  bind(...values: unknown[]): Statement
}

/** What one statement of a batch answered. Rows come from outside: parse them. */
export interface StatementResult {
  results: unknown[]
  meta: { changes?: number | undefined; rows_read?: number | undefined; rows_written?: number | undefined }
}

/** A `D1Database`. `batch()` is one SQL transaction; everything here goes through it. */
export interface Database {
  prepare(sql: string): Statement
  batch(statements: Statement[]): Promise<StatementResult[]>
}

/** One value of KV with its metadata; both come from outside: parse them. */
export interface KvRecord {
  value: string | null
  metadata: unknown
}

/** One page of a listing; metadata comes from outside: parse it. */
export type KvPage = {
  keys: { name: string; metadata?: unknown }[]
} & ({ list_complete: true } | { list_complete: false; cursor: string })

/** The part of a `KVNamespace` that is used here. */
export interface KeyValueStore {
  getWithMetadata(name: string, options: { type: 'text'; cacheTtl?: number }): Promise<KvRecord>
  getWithMetadata(
    names: string[],
    options: { type: 'text'; cacheTtl?: number },
  ): Promise<Map<string, KvRecord | null>>
  put(
    name: string,
    value: string,
    options: { expirationTtl: number; metadata: Record<string, unknown> },
  ): Promise<void>
  /** At most 1,000 names a page; a page may be empty, and late like any other read. */
  list(options: { prefix: string; limit?: number; cursor?: string | null }): Promise<KvPage>
  delete(name: string): Promise<void>
}

/** Texts that the isolates of one location share; what one puts, the others of its location may find, and no others. */
export interface LocationCache {
  match(name: string): Promise<string | null>
  put(name: string, text: string, seconds: number): Promise<void>
}

/** A producer's end of a queue (`Queue`). */
export interface MessageQueue {
  send(body: unknown, options?: { delaySeconds?: number }): Promise<unknown>
  sendBatch(messages: Iterable<{ body: unknown; delaySeconds?: number }>): Promise<unknown>
  /** What waits in it. Runtimes before 2026 do not tell. */
  metrics?(): Promise<{ backlogCount: number }>
}

/** Keeps a promise going after the answer was sent (`ExecutionContext.waitUntil`, at most 30 s past it). */
export type WaitUntil = (promise: Promise<unknown>) => void
