import type {
  CacheConfigs,
  CacheService,
  Change,
  Database,
  ReadOptions,
  Recipe,
  ResourceTable,
  Runtime,
  Source,
} from '@freshet/cache-core'
import type { EventPlan } from '@freshet/cache-core/pipeline'
import type { History } from '../history/history.ts'
import type { Random } from '../world/random.ts'

/** How the readers of a key ask for it. */
type ReadStyle = 'source' | 'function' | 'blob'

/** A key that readers read and the oracle watches. */
export interface KeySpec {
  source: Source<unknown>
  style: ReadStyle
  /** What bounds its age: Δ, or where changes are never logged its lifetime alone. */
  bound: 'staleness' | 'lifetime'
  /** Whether a change is known from its commit on, or from the commit of its event's log row. */
  announced: 'by commit' | 'by event'
  /** Whose private data it is. */
  owner: string | null
}

/** The same with its history. */
export interface TrackedKey extends KeySpec {
  path: string
  history: History
}

/** As much of an answer as the checkers look at. */
export interface Answer {
  outcome: 'HIT' | 'MISS' | 'STALE' | 'BYPASS'
  source: 'memory' | 'kv' | 'database'
  text: string
  /** Undefined where the caller is told none: `getMany`. */
  bookmark: string | null | undefined
}

/** What stands between a request and D1: Freshet, or a known design. */
export interface Front {
  /** Freshet's own service; null for a known design. */
  cache: CacheService | null
  read(key: TrackedKey, options: ReadOptions): Promise<Answer | null>
  /** @returns the bookmark */
  write(changes: readonly Change[]): Promise<string | null>
  writeAndRead(changes: readonly Change[], source: Source<unknown>): Promise<string | null>
}

/** What an operation of a writer works with. */
export interface WriteContext {
  front: Front
  db: Database
  runtime: Runtime
  random: Random
  /** A number that no value ever had. */
  value(): number
  /** Announces what a bare `set` in this request will store. */
  setting(path: string, text: string): void
  /** Adds a key that did not exist when the run began. */
  track(spec: KeySpec): void
  /** A message of an outside producer to the events' queue. */
  produce(event: { type: string; payload: unknown }): Promise<void>
}

/** Something that a writer does. */
export interface Operation {
  name: string
  /** How often, beside the others. */
  weight: number
  /** Requests that do it at the same time, each for itself; 1 where it is not said. */
  burst?: number
  /** Whether it needs more than a known design has. */
  needsFreshet?: boolean
  /** @returns the bookmark of the write, null when nothing changed */
  run(context: WriteContext): Promise<string | null>
}

/** Tables, resources and operations: what a scenario runs on. */
export interface Model {
  configs: CacheConfigs
  resources: ResourceTable
  /** SQL that makes and fills the tables. */
  schema: readonly string[]
  keys: readonly KeySpec[]
  operations: readonly Operation[]
  patternsOf(type: string, payload: unknown): readonly string[]
  /** What is worth having ready after an event, and what is gone. */
  planOf(type: string, payload: unknown): EventPlan
  /** Which of an event's patterns must not stay in KV. */
  mustGo(event: { type: string; payload: unknown; patterns: readonly string[] }): readonly string[]
  /** What the schedule keeps warm. */
  scheduled: readonly Recipe[]
}
