import { withDeadline } from '../deadline.ts'
import type { CacheEntry } from '../entry.ts'
import type { Freshness } from '../fence/fence.ts'
import type { Isolate, RequestIo } from '../isolate.ts'
import { type CacheKey, kvName, utf8Length } from '../keys/key.ts'
import { matches } from '../keys/pattern.ts'
import { canonicalIn, decodeEntry } from '../kv/envelope.ts'
import { decodeTail, type Tail, tailStatement } from '../log/tail.ts'
import type { CacheConfig } from '../policy.ts'
import type { Database, Runtime } from '../ports.ts'
import type { Recipe } from '../source.ts'
import type { CacheStats } from '../stats.ts'
import { verdict } from './decision.ts'
import { eventsAt, type LoggedEvent } from './logged-events.ts'

// Nothing here changes anything: no entry moves between tiers or within one, nothing is counted, no breaker hears of it. So
// the bindings are asked past the tiers.

const KV_DEADLINE_MS = 500
const LOG_DEADLINE_MS = 3_000
const KV_CACHE_TTL_SECONDS = 30
/** Names of an entry that explain looks into: its key and its first tags. */
const MAX_NAMES = 50

/** What a tier holds of a key. Times are clocks, ms. */
export interface HeldDetails {
  stamp: number
  upTo: number
  epoch: string
  found: boolean
  etag: string
  label: string
  tags: readonly string[]
  /** What it takes of the tier. */
  bytes: number
  isWarmed: boolean
  /** Since this isolate last told of them; null in KV. */
  reads: number | null
  loadedAt: number
  ageMs: number
  expiresAt: number
  remainingMs: number
  /** What makes it invalid, where that is a pattern. */
  by: Match | null
  text: string
}

/** One tier, and why it could be the answer, or not. */
export interface TierState {
  tier: 'memory' | 'kv'
  /** Whether the policy and the settings use it. */
  isAsked: boolean
  verdict: string
  tookMs: number
  held: HeldDetails | null
}

/** A name that an entry depends on, and the newest pattern that matches it. */
export interface Match {
  name: string
  is: 'key' | 'tag'
  /** Null for none; beside a seq, for one that was folded: of this name, or of one that shares its place. */
  pattern: string | null
  seq: number | null
}

/** Why one key is answered as it is, by one isolate. */
export interface Explanation {
  key: string
  text: string
  namespace: string
  /** Whether the version is the one that this isolate reads. */
  isCurrentVersion: boolean
  isPrivate: boolean
  /** Whether reads of it go through the cache. */
  isServed: boolean
  recipe: Recipe | null
  policy: CacheConfig
  fence: CacheStats['fence'] & { isFresh: boolean }
  kvName: string
  tiers: TierState[]
  /** `isKnown`: whether this fence knows of it already. */
  newest: (Match & { isKnown: boolean; event: LoggedEvent | null })[]
  /** Null while D1 does not answer. `unseen`: rows past the fence's head. */
  log: { head: number; unseen: number; tookMs: number } | null
  /** What a plain read would be answered from now, and on what grounds. */
  decision: { source: 'memory' | 'kv' | 'database'; steps: string[] }
}

/** What explain asks; D1 past all counts. */
type ExplainIo = Pick<RequestIo, 'db' | 'kv'>

/** A version as it ends a key, or a KV name with its generation. */
const VERSION = /^v([A-Za-z0-9_-]{1,32}\.\d+)(?:\.(\d{1,15}))?$/

/**
 * Takes apart what an operator names: a key, with or without its version, or a name in KV.
 * @throws RangeError when it is none
 */
function placeOf(isolate: Isolate, text: string): { key: CacheKey; generation: number; isCurrent: boolean } {
  const end = text.lastIndexOf(':')
  const [, version, generation] = VERSION.exec(text.slice(end + 1)) ?? []
  // What has no two segments without it is an id that looks like a version.
  const isVersioned = version !== undefined && text.slice(0, Math.max(0, end)).includes(':')
  const current = isolate.keyAt(isVersioned ? text.slice(0, end) : text)
  const key = isVersioned ? { ...current, text: `${current.path}:v${version}` } : current
  return {
    key,
    generation:
      isVersioned && generation !== undefined ? Number(generation) : isolate.fence.generation(key.path),
    isCurrent: key.text === current.text,
  }
}

/**
 * Explains one key as this isolate sees it, and what the log has on it that the isolate has not seen yet.
 * @param text a key, with or without its version, or a name in KV
 * @throws RangeError when it is no key
 */
export async function explain(isolate: Isolate, io: ExplainIo, text: string): Promise<Explanation> {
  const { fence, runtime } = isolate
  const { key, generation, isCurrent } = placeOf(isolate, text)
  const policy = isolate.policy(key.namespace)
  // Of no place in the isolate's order: only the clock tells whether the fence is fresh for it.
  const need: Freshness = {
    ordinal: Number.POSITIVE_INFINITY,
    startedAt: runtime.now(),
    maxStalenessMs: policy.maxStalenessMs,
    minSeq: 0,
  }
  const [kv, tail] = await Promise.all([
    kvState(isolate, io, key, generation, policy, need),
    tailPast(io.db, isolate, runtime),
  ])
  const tiers = [memoryState(isolate, key, policy, need), kv]
  const unseen = unseenOf(tail, fence.epoch)
  const names = namesOf(key.path, tiers)
  const matched = names.map((name, place) => newestFor(isolate, unseen, name, place === 0))
  const events = tail === null ? new Map<number, LoggedEvent>() : await eventsAt(io.db, runtime, matched)
  const memory = heldOf(isolate, key)
  return {
    key: key.path,
    text: key.text,
    namespace: key.namespace,
    isCurrentVersion: isCurrent,
    isPrivate: policy.visibility === 'private',
    isServed: isolate.serves(key),
    recipe: memory?.recipe ?? null,
    policy,
    fence: { ...isolate.getStats().fence, isFresh: fence.isFresh(need) },
    kvName: kvName(key, generation),
    tiers,
    newest: matched.map((match) => ({
      ...match,
      event: match.seq === null ? null : (events.get(match.seq) ?? null),
    })),
    log: tail === null ? null : { head: tail.tail.maxSeq, unseen: unseen.length, tookMs: tail.tookMs },
    decision: decide(isolate, key, tiers, tail, unseen),
  }
}

/** Memory has one version of each key: the one that this isolate reads. */
function heldOf(isolate: Isolate, key: CacheKey) {
  return key.text === isolate.keyAt(key.path).text ? isolate.memory.inspect(key.path) : undefined
}

function memoryState(isolate: Isolate, key: CacheKey, policy: CacheConfig, need: Freshness): TierState {
  const isAsked = policy.memoryEnabled
  const held = isAsked ? heldOf(isolate, key) : undefined
  return {
    tier: 'memory',
    isAsked,
    tookMs: 0,
    ...judged(
      isolate,
      held?.entry ?? null,
      need,
      isAsked ? 'none' : 'not used',
      held?.bytes ?? 0,
      held?.reads ?? null,
    ),
  }
}

async function kvState(
  isolate: Isolate,
  { kv: bound }: ExplainIo,
  key: CacheKey,
  generation: number,
  policy: CacheConfig,
  need: Freshness,
): Promise<TierState> {
  const { runtime, settings } = isolate
  const kv = policy.kvEnabled && settings.kvEnabled ? bound : null
  if (kv === null) return { tier: 'kv', isAsked: false, verdict: 'not used', tookMs: 0, held: null }
  const asked = runtime.now()
  const state = (entry: CacheEntry | null, otherwise: string, bytes = 0): TierState => ({
    tier: 'kv',
    isAsked: true,
    tookMs: runtime.now() - asked,
    ...judged(isolate, entry, need, otherwise, bytes, null),
  })
  try {
    const options = { type: 'text', cacheTtl: policy.kvCacheTtlSeconds ?? KV_CACHE_TTL_SECONDS } as const
    const read = kv.getWithMetadata(kvName(key, generation), options)
    const record = await withDeadline(runtime, read, KV_DEADLINE_MS, 'a KV read')
    if (record.value === null) return state(null, 'none')
    const entry = decodeEntry({ ...key, canonical: canonicalIn(record.value) }, record)
    return typeof entry === 'string' ? state(null, entry) : state(entry, '', utf8Length(record.value))
  } catch {
    return state(null, 'unavailable')
  }
}

function judged(
  isolate: Isolate,
  entry: CacheEntry | null,
  need: Freshness,
  otherwise: string,
  bytes: number,
  reads: number | null,
): Pick<TierState, 'verdict' | 'held'> {
  if (entry === null) return { verdict: otherwise, held: null }
  const { fence } = isolate
  const now = isolate.runtime.now()
  const { stamp, upTo, epoch, found, etag, label, tags, loadedAt, expiresAt, text } = entry
  const newest = entry.epoch === fence.epoch ? fence.newestOf(entry) : null
  const by: Match | null =
    newest === null || newest.seq <= stamp
      ? null
      : {
          name: newest.name,
          is: newest.name === entry.path ? 'key' : 'tag',
          pattern: fence.newestMatch(newest.name)?.pattern ?? null,
          seq: newest.seq,
        }
  return {
    verdict: verdict(entry, now < expiresAt, fence, need),
    held: {
      stamp,
      upTo,
      epoch,
      found,
      etag,
      label,
      tags,
      bytes,
      isWarmed: entry.warmed,
      reads,
      loadedAt,
      ageMs: now - loadedAt,
      expiresAt,
      remainingMs: Math.max(0, expiresAt - now),
      by,
      text,
    },
  }
}

/** The key first, then the tags of what is held. */
function namesOf(path: string, tiers: readonly TierState[]): string[] {
  const names = new Set([path])
  for (const { held } of tiers) for (const tag of held?.tags ?? []) names.add(tag)
  return [...names].slice(0, MAX_NAMES)
}

interface PastTail {
  tail: Tail
  tookMs: number
}

/** What D1 has past the fence's head; null while it does not answer. The fence is not told. */
async function tailPast(db: Database, { fence }: Isolate, runtime: Runtime): Promise<PastTail | null> {
  const asked = runtime.now()
  try {
    const reading = db.batch([tailStatement(db, fence.head)])
    const [result] = await withDeadline(runtime, reading, LOG_DEADLINE_MS, 'the log')
    return { tail: decodeTail(result), tookMs: runtime.now() - asked }
  } catch {
    return null
  }
}

function unseenOf(past: PastTail | null, epoch: string | null): Tail['rows'] {
  return past !== null && past.tail.epoch === epoch ? past.tail.rows : []
}

function newestFor(
  isolate: Isolate,
  unseen: Tail['rows'],
  name: string,
  isKey: boolean,
): Match & { isKnown: boolean } {
  const is = isKey ? 'key' : 'tag'
  for (const { seq, patterns } of unseen.toReversed()) {
    const pattern = patterns.find((one) => matches(one, name))
    if (pattern !== undefined) return { name, is, pattern, seq, isKnown: false }
  }
  const known = isolate.fence.newestMatch(name)
  return { name, is, pattern: known?.pattern ?? null, seq: known?.seq ?? null, isKnown: true }
}

/** The read path in words: memory, the log's news where they are missing, KV, a load. */
function decide(
  isolate: Isolate,
  key: CacheKey,
  tiers: readonly TierState[],
  past: PastTail | null,
  unseen: Tail['rows'],
): Explanation['decision'] {
  if (!isolate.serves(key)) {
    return { source: 'database', steps: [isolate.settings.enabled ? 'outside the rollout' : 'switched off'] }
  }
  const steps: string[] = []
  let isRefreshed = false
  for (const { tier, isAsked, verdict: said, held } of tiers) {
    if (!isAsked) continue
    steps.push(`${tier}: ${said}`)
    if (said === 'valid') return { source: tier, steps }
    if (said !== 'not fresh' || held === null) continue
    if (past === null) {
      steps.push('D1 does not answer')
      continue
    }
    if (!isRefreshed) steps.push('the fence asks D1 for news')
    isRefreshed = true
    const names = [key.path, ...held.tags]
    const isOutdated =
      past.tail.epoch !== held.epoch ||
      unseen.some(({ patterns }) => patterns.some((one) => names.some((name) => matches(one, name))))
    steps.push(isOutdated ? `${tier}: invalid by what the fence has not seen yet` : `${tier}: valid`)
    if (!isOutdated) return { source: tier, steps }
  }
  return { source: 'database', steps: [...steps, 'load from D1'] }
}
