/** Freshet's library: a three-tier cache with a staleness bound. Start at `CacheService`. */
export { type Bookmark, formatBookmark, parseBookmark } from './bookmark.ts'
export type { CacheEntry } from './entry.ts'
export type { FenceLimits } from './fence/fence.ts'
export { Isolate, type IsolateOptions, type RequestIo } from './isolate.ts'
export { escapeSegment, nameOf, unescapeSegment } from './keys/escape.ts'
export { buildKey, type CacheKey, type KeyId, kvName, parseKey } from './keys/key.ts'
export { canonicalParams } from './keys/params.ts'
export { matches, PatternError, parsePattern } from './keys/pattern.ts'
export { type CacheApi, sharedByLocation } from './kv/location.ts'
export { TRIGGER_EVENT_PREFIX, triggerNames } from './log/append.ts'
export type { HeldEntry } from './memory/slot.ts'
export type { CacheConfig, CacheConfigs } from './policy.ts'
export { cachePolicy, withoutMemory } from './policy.ts'
export {
  type Database,
  type KeyValueStore,
  type KvPage,
  type LocationCache,
  type MessageQueue,
  type Runtime,
  type Statement,
  type StatementResult,
  systemRuntime,
  type WaitUntil,
} from './ports.ts'
export {
  type BrowsedKey,
  type BrowsedPage,
  type BrowseQuery,
  browseKv,
  browseMemory,
} from './read/browse.ts'
export type { NoteDecision, ReadDecision } from './read/decision.ts'
export type { Stamped } from './read/direct.ts'
export { type Explanation, explain, type HeldDetails, type Match, type TierState } from './read/explain.ts'
export { explainReads } from './read/explain-reads.ts'
export type { LoggedEvent } from './read/logged-events.ts'
export type { CacheOutcome, CacheResult, CacheSource, ReadOptions } from './read/types.ts'
export { CachedRepository, type Current, type Written } from './repository.ts'
export { CacheService } from './service.ts'
export { type CacheSettings, parseSettings, SettingsError } from './settings.ts'
export {
  defineResource,
  type Query,
  type Recipe,
  type Resource,
  type ResourceHandle,
  type ResourceTable,
  type Source,
  sourceOf,
} from './source.ts'
export { DatabaseUnavailableError } from './sql.ts'
export { StatsFlusher } from './statistics/flusher.ts'
export type { CacheStats, NamespaceCounts } from './stats.ts'
export type { NoteViolation, Violation } from './verify/violation.ts'
export { CacheWarmer, type WarmEvent, type WarmPlans, type WarmQueues } from './warmer.ts'
export type { Change, ChangeResult, LogEvent, WriteResult } from './write/types.ts'
