import { type CacheEntry, keepUntil } from './entry.ts'
import { Fence, type FenceLimits } from './fence/fence.ts'
import { FenceKeeper } from './fence/keeper.ts'
import { FenceRefresher } from './fence/refresher.ts'
import { Home } from './home.ts'
import { unescapeSegment } from './keys/escape.ts'
import { digest } from './keys/hash.ts'
import { buildKey, type CacheKey, type KeyId } from './keys/key.ts'
import { isWild, PatternError, parsePattern } from './keys/pattern.ts'
import { KvTier, READ_DEADLINE_MS } from './kv/kv-tier.ts'
import { MemoryTier } from './memory/memory-tier.ts'
import { type CacheConfig, type CacheConfigs, cachePolicy } from './policy.ts'
import {
  type Database,
  type KeyValueStore,
  type LocationCache,
  type MessageQueue,
  type Runtime,
  systemRuntime,
  type WaitUntil,
} from './ports.ts'
import { logDecision, type NoteDecision } from './read/decision.ts'
import { Flights } from './read/flights.ts'
import type { CacheSettings } from './settings.ts'
import type { Recipe } from './source.ts'
import { Sql } from './sql.ts'
import { type CacheStats, Stats } from './stats.ts'
import { Verifier } from './verify/verifier.ts'
import { logViolation, type NoteViolation } from './verify/violation.ts'

/** What one request or queue batch brings along: the bindings, and a way to go on after its answer. */
export interface RequestIo {
  db: Database
  /** Null where no KV is bound. */
  kv: KeyValueStore | null
  /** Where a write's event is sent after its commit; null where nobody consumes them. */
  events: MessageQueue | null
  waitUntil: WaitUntil
  /** Of the request, for the lines that are logged of it. */
  requestId?: string
  /** Hears of the events that this request has committed. */
  committed?: (events: readonly { event: string; type: string; seq: number | null }[]) => void
  /** Hears what is decided for each read of this request. */
  note?: NoteDecision
}

/** What an isolate is made from. */
export interface IsolateOptions {
  configs: CacheConfigs
  settings: CacheSettings
  runtime?: Runtime
  /** Where isolates of one location share entries; see `sharedByLocation`. Default: nowhere. */
  location?: LocationCache
  /** How much the fence keeps, where that is not what the settings say. */
  fence?: FenceLimits
  /**
   * Whether a request refreshes the fence behind its answer and keeps it fresh for a while. Default true. Not for consumers:
   * a queue takes a batch for unfinished, and gives out no other, while promises of its `waitUntil` are pending. What such an
   * isolate loads counts as warmed.
   */
  keepsFresh?: boolean
  /** Hears what was decided for each read, where the settings say `debug`. Default: a line of JSON on the console. */
  debug?: NoteDecision
  /** Hears of values that were served though they should not have been. Default: a line of JSON on the console. */
  violated?: NoteViolation
}

/** All that lives as long as a Worker's isolate and is shared by its requests. Makes no I/O of its own accord. */
export class Isolate {
  readonly configs: CacheConfigs
  readonly settings: CacheSettings
  readonly runtime: Runtime
  readonly stats = new Stats()
  readonly memory: MemoryTier
  readonly kvTier: KvTier
  readonly sql: Sql
  readonly fence: Fence
  readonly refresher: FenceRefresher
  readonly keeper: FenceKeeper
  readonly flights = new Flights()
  /** Loads behind answers, of entries that are near the end of their lives or past it. */
  readonly renewals = new Flights()
  readonly verifier: Verifier
  readonly noteViolation: NoteViolation
  /** Null: nobody wants to know. */
  readonly debug: NoteDecision | null
  /** Whether all keys are read through the cache. */
  readonly servesAll: boolean
  /** Whether what is loaded here is for other isolates. */
  readonly isWarmer: boolean
  /** The clock at the first hit, ms; below 0 before. */
  beganAt = -1
  #ordinal = 0
  #draw: number | null = null
  readonly #homes = new Map<string, Home>()

  constructor(options: IsolateOptions) {
    this.configs = options.configs
    this.settings = options.settings
    this.servesAll = options.settings.enabled && options.settings.rolloutPercent >= 100
    this.runtime = options.runtime ?? systemRuntime
    this.debug = options.settings.debug ? (options.debug ?? logDecision) : null
    const { maxMemoryBytes: maxBytes, maxEntries } = options.settings
    this.memory = new MemoryTier({
      maxBytes,
      maxEntries,
      evicted: (namespace) => {
        this.stats.of(namespace).evictions++
      },
    })
    this.isWarmer = options.keepsFresh === false
    const deadlineMs = READ_DEADLINE_MS[this.isWarmer ? 'warmer' : 'reader']
    this.kvTier = new KvTier(this.runtime, this.stats, deadlineMs, options.location)
    this.sql = new Sql(this.runtime, this.stats)
    this.fence = new Fence({ foldedPlaces: options.settings.foldedPlaces, ...options.fence })
    this.refresher = new FenceRefresher(this)
    this.keeper = new FenceKeeper(this, options.keepsFresh ?? true)
    this.noteViolation = options.violated ?? logViolation
    this.verifier = new Verifier(this)
  }

  /** Uniform in [0, 1), the same for as long as this isolate lives. The global scope has no randomness: drawn when first asked for. */
  draw(): number {
    this.#draw ??= this.runtime.random()
    return this.#draw
  }

  /** The next place in this isolate's order of reads and queries. The clock stands still between I/O, so it can't tell. */
  nextOrdinal(): number {
    return ++this.#ordinal
  }

  /** The policy of a namespace, with the settings' caps applied; one without a row of its own has the default lifetime. */
  policy(namespace: string): CacheConfig {
    return this.home(namespace).policy
  }

  /** What all keys of a namespace share. */
  home(namespace: string): Home {
    let home = this.#homes.get(namespace)
    if (home === undefined) {
      home = new Home(namespace, this.#effective(namespace), this.settings.version, this.stats)
      this.#homes.set(namespace, home)
    }
    return home
  }

  keyOf(of: { namespace: string; entity: string; id: KeyId; recipe?: Recipe }): CacheKey {
    const home = this.home(of.namespace)
    return buildKey({
      namespace: of.namespace,
      entity: of.entity,
      id: of.id,
      version: home.version,
      recipe: of.recipe ?? null,
      prefix: home.prefixOf(of.entity),
    })
  }

  /** A path with the version that its key has now; of any path that an entry has. */
  textOf(path: string): string {
    return `${path}:v${this.home(namespaceOf(path)).version}`
  }

  /**
   * The key whose path is already written out, as `content:item:42`.
   * @throws RangeError when it is no key: ids from outside go through `nameOf` first
   */
  keyAt(path: string): CacheKey {
    const namespace = namespaceOf(path)
    const like = 'keys are like content:item:42, with ids escaped by nameOf()'
    if (namespace === '' || isWild(path)) throw new RangeError(`"${path}" is no key; ${like}`)
    try {
      parsePattern(path)
    } catch (error) {
      // What no pattern can name could be cached, and never be invalidated.
      if (error instanceof PatternError)
        throw new RangeError(`"${path}" is no key: ${error.message}; ${like}`)
      throw error
    }
    const home = this.home(namespace)
    return {
      namespace: home.namespace,
      path,
      text: `${path}:v${home.version}`,
      canonical: null,
      recipe: null,
    }
  }

  /** Whether reads of this key go through the cache: switched on, and among the keys of a partial rollout. */
  serves(key: Pick<CacheKey, 'path'>): boolean {
    if (this.servesAll) return true
    const { enabled, rolloutPercent } = this.settings
    if (!enabled || rolloutPercent <= 0) return false
    return Number.parseInt(digest(key.path).slice(0, 8), 16) < (rolloutPercent / 100) * 0x1_0000_0000
  }

  /** Keeps an entry in memory, where its policy allows that. */
  remember(key: CacheKey, entry: CacheEntry): void {
    const policy = this.policy(key.namespace)
    if (!policy.memoryEnabled) return
    if (!this.memory.set(key.path, entry, keepUntil(entry, policy), this.runtime.now(), key.recipe))
      this.stats.of(key.namespace).refused++
  }

  /** @returns the KV namespace, where this policy and the settings use it */
  kvFor(policy: CacheConfig, io: RequestIo): KeyValueStore | null {
    return policy.kvEnabled && this.settings.kvEnabled ? io.kv : null
  }

  getStats(): CacheStats {
    const { fence, memory, stats } = this
    const age = this.runtime.now() - fence.asOf
    const total = stats.total()
    return {
      namespaces: stats.namespaces(),
      total,
      memory: {
        entries: memory.entries,
        bytes: memory.bytes,
        evictions: memory.evictions,
        refused: total.refused,
      },
      kv: { ...stats.kv, open: this.kvTier.breaker.isOpen },
      d1: { ...stats.d1, open: this.sql.breaker.isOpen },
      fence: {
        epoch: fence.epoch,
        head: fence.head,
        floor: fence.floor,
        patterns: fence.size,
        ageMs: Number.isFinite(age) ? age : null,
      },
    }
  }

  #effective(namespace: string): CacheConfig {
    const own = Object.hasOwn(this.configs, namespace) ? this.configs[namespace] : undefined
    // For a namespace that nobody wrote a policy for: nothing in it is taken to be public.
    const policy = own ?? cachePolicy(namespace, { ttl: this.settings.defaultTtl })
    const cap = this.settings.maxStalenessMs
    return cap === null ? policy : { ...policy, maxStalenessMs: Math.min(policy.maxStalenessMs, cap) }
  }
}

/** What a path begins with; empty where it has no second segment. */
function namespaceOf(path: string): string {
  return unescapeSegment(path.slice(0, Math.max(0, path.indexOf(':'))))
}
