import { type Bookmark, formatBookmark, parseBookmark } from '../bookmark.ts'
import { type CacheEntry, graceMs, type Loaded, makeEntry } from '../entry.ts'
import type { Freshness } from '../fence/fence.ts'
import type { Isolate, RequestIo } from '../isolate.ts'
import type { CacheKey } from '../keys/key.ts'
import type { CacheConfig } from '../policy.ts'
import { DatabaseUnavailableError } from '../sql.ts'
import type { Served } from '../verify/verify.ts'
import { answer, bypassed, type UntypedAnswer, upToFor } from './answer.ts'
import { type ReadDecision, type TierSaid, verdict } from './decision.ts'
import { nameOf } from './flights.ts'
import { KvReads } from './kv-reads.ts'
import type { Direct, Loader } from './loader.ts'
import { Renewals } from './renewal.ts'
import type { CacheOutcome, CacheResult, CacheSource, ReadOptions } from './types.ts'

/** A read under way. */
interface Read {
  key: CacheKey
  policy: CacheConfig
  need: Freshness
  /** What its client has seen, as it says. */
  bookmark: Bookmark | null
  /** An entry with less life left than this will not do. */
  minLifeMs: number
  /** For how long past its life an entry will do, which is then loaded anew behind the answer. */
  graceMs: number
  /** Whether the last value may be served while D1 fails. */
  mayBeStale: boolean
  timing: CacheResult<unknown>['timing']
  /** What a tier held but could not prove: the last resort while D1 fails. */
  held: CacheEntry | null
  /** The answer where a tier had it, and the fence as it was then: what verification holds it against. */
  hit: CacheEntry | null
  source: CacheSource
  head: number
  asOf: number
  /** Whether what a tier held was refused since the log had moved on. */
  wasInvalid: boolean
  /** What each tier said, for `CACHE_DEBUG` and explain; null when nobody wants to know. */
  why: string[] | null
  tiers: TierSaid[]
}

/** No life need be left, and none is added. */
const LIFE_ALONE = { minLifeMs: 0, graceMs: 0 } as const
/** Most reads are told to nobody. */
const UNTOLD: TierSaid[] = []

/**
 * The read path, DESIGN's flow *Read*: memory, then KV beside the fence refresh, then one load for all who wait.
 * Wherever an entry comes from, one function (`isProven`) decides whether it may be the answer.
 */
export class Reader {
  readonly #isolate: Isolate
  readonly #io: RequestIo
  readonly #kvReads: KvReads
  readonly #renewals: Renewals

  constructor(isolate: Isolate, io: RequestIo) {
    this.#isolate = isolate
    this.#kvReads = new KvReads(isolate, io)
    this.#renewals = new Renewals(isolate, io)
    this.#io = io
  }

  /**
   * For a caller that has asked `Hits`.
   * @param loader what to do when no tier has a proven value
   * @param parse turns the stored JSON back into a value
   * @throws DatabaseUnavailableError when D1 is needed and fails, and no stale value may stand in; whatever the loader throws
   */
  async read<T>(
    key: CacheKey,
    loader: Loader,
    parse: (json: unknown) => T,
    options: ReadOptions = {},
  ): Promise<CacheResult<T>> {
    if (!this.#isolate.serves(key)) return this.#bypass(key, loader, parse)
    const read = this.#begin(key, options)
    if (read.minLifeMs === 0) read.graceMs = graceMs(read.policy)
    try {
      const held = (await this.#fromMemory(read)) ?? (await this.#fromKv(read))
      if (held !== null) {
        if (read.hit !== null) this.#renewals.after(read.hit, key, () => this.#loadAndStore(key, loader))
        const { memory, verifier } = this.#isolate
        if (loader.source !== null && verifier.takeDue(memory.find(key.path) ?? null)) {
          const served = servedBy(read)
          if (served !== null) verifier.start(served, loader.source, this.#io)
        }
        return held.as(parse)
      }
      const entry = await this.#load(read, loader)
      const counts = this.#counts(key)
      counts.misses++
      if (read.wasInvalid && read.held?.etag === entry.etag) counts.reloadedSame++
      return this.#answer(read, entry, 'MISS', 'database').as(parse)
    } catch (error) {
      // Only an outage is a reason to answer what is no longer true.
      const stale = error instanceof DatabaseUnavailableError ? this.#stale(read) : null
      if (stale === null) {
        this.#tell(read, null, 'ERROR', null)
        throw error
      }
      return stale.as(parse)
    }
  }

  /** Loads a key whatever the tiers hold of it, together with whoever else does. For a caller that has looked there already. */
  async load<T>(
    key: CacheKey,
    loader: Loader,
    parse: (json: unknown) => T,
    options: ReadOptions = {},
  ): Promise<CacheResult<T>> {
    if (!this.#isolate.serves(key)) return this.#bypass(key, loader, parse)
    const read = this.#begin(key, options)
    const entry = await this.#load(read, loader)
    this.#counts(key).misses++
    return this.#answer(read, entry, 'MISS', 'database').as(parse)
  }

  /** The entry that memory or KV can prove for a key, without loading it. For a caller that has asked `Hits`. */
  async find<T>(
    key: CacheKey,
    parse: (json: unknown) => T,
    options: ReadOptions = {},
  ): Promise<CacheResult<T> | null> {
    if (!this.#isolate.serves(key)) return null
    const read = this.#begin(key, options)
    let found: UntypedAnswer | null
    try {
      found = (await this.#fromMemory(read)) ?? (await this.#fromKv(read))
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError)) throw error
      found = this.#stale(read)
    }
    if (found === null) this.#tell(read, null, 'NONE', null)
    return found?.as(parse) ?? null
  }

  /** What a read of a key would be answered from memory or KV, with the fence as it is then; null for a miss. */
  async served(key: CacheKey): Promise<Served | null> {
    const read = this.#begin(key, {})
    if ((await this.#fromMemory(read)) === null) await this.#fromKv(read)
    return servedBy(read)
  }

  /**
   * Many keys: for each namespace one refresh at most, and one KV operation for 100 of those that memory does not have. What
   * cannot be proven while D1 fails is a miss, which every caller can handle.
   */
  async findMany<T>(
    keys: readonly CacheKey[],
    parse: (json: unknown) => T,
    options: ReadOptions = {},
  ): Promise<Map<string, CacheResult<T>>> {
    const found = new Map<string, CacheResult<T>>()
    const served = keys.filter((key) => this.#isolate.serves(key))
    for (const namespace of new Set(served.map((key) => key.namespace))) {
      const own = served.filter((key) => key.namespace === namespace)
      try {
        for await (const [path, hit] of this.#findOf(namespace, own, options)) found.set(path, hit.as(parse))
      } catch (error) {
        if (!(error instanceof DatabaseUnavailableError)) throw error
        this.#probe()
      }
    }
    return found
  }

  async *#findOf(namespace: string, keys: readonly CacheKey[], options: ReadOptions) {
    const { fence, kvTier, refresher } = this.#isolate
    const policy = this.#isolate.policy(namespace)
    const reads = keys.map((key) => this.#begin(key, options))
    const [first] = reads
    if (first !== undefined && !(fence.isFresh(first.need) && fence.reaches(first.need, 0)))
      await refresher.refresh(first.need, this.#io)
    const missing: Read[] = []
    for (const read of reads) {
      const hit = await this.#fromMemory(read)
      if (hit === null) missing.push(read)
      else yield [read.key.path, hit] as const
    }
    const kv = this.#isolate.kvFor(policy, this.#io)
    if (kv === null) for (const read of missing) this.#tell(read, null, 'NONE', null)
    if (kv === null || missing.length === 0) return
    const named = missing.map(({ key }) => ({ key, generation: fence.generation(key.path) }))
    const entries = await kvTier.getMany(kv, named, policy)
    for (const read of missing) {
      const entry = entries.get(read.key.text)
      if (read.why !== null) this.#note(read, 'kv', entry)
      if (entry !== undefined && this.#isProven(entry, read))
        yield [read.key.path, this.#promote(read, entry)] as const
      else this.#tell(read, null, 'NONE', null)
    }
  }

  #begin(key: CacheKey, options: ReadOptions): Read {
    const { fence, keeper } = this.#isolate
    const policy = this.#isolate.policy(key.namespace)
    const wanted = Math.min(policy.maxStalenessMs, options.maxStalenessMs ?? Number.POSITIVE_INFINITY)
    const bookmark = options.bookmark ? parseBookmark(options.bookmark) : null
    // A cold fence cannot tell whether the bookmark is of its epoch; the refresh that it needs anyway makes it a strong read.
    const isForeign = bookmark !== null && bookmark.epoch !== fence.epoch
    const need: Freshness = {
      ordinal: this.#isolate.nextOrdinal(),
      startedAt: this.#now(),
      maxStalenessMs: isForeign ? 0 : wanted,
      minSeq: bookmark !== null && !isForeign ? bookmark.seq : 0,
    }
    keeper.notice(wanted, this.#io)
    const mayBeStale = policy.staleIfErrorSeconds > 0 && wanted > 0 && bookmark === null
    const isTold = this.#isTold()
    return {
      key,
      policy,
      need,
      bookmark,
      minLifeMs: options.minLifeMs ?? 0,
      graceMs: 0,
      mayBeStale,
      timing: {},
      held: null,
      hit: null,
      source: 'database',
      head: 0,
      asOf: 0,
      wasInvalid: false,
      why: isTold ? [] : null,
      tiers: isTold ? [] : UNTOLD,
    }
  }

  async #fromMemory(read: Read) {
    const { fence, memory } = this.#isolate
    const entry = read.policy.memoryEnabled ? memory.get(read.key.path)?.entry : undefined
    if (read.why !== null) this.#note(read, 'memory', entry)
    if (entry === undefined || entry.canonical !== read.key.canonical) return null
    read.held = entry
    if (!this.#isAlive(entry, read)) {
      this.#counts(read.key).expired++
      return null
    }
    if (!fence.isValid(entry)) return this.#refused(entry, read)
    if (!this.#isProven(entry, read)) {
      // Only freshness is missing: ask D1 for the tail, not KV for the value.
      await this.#refresh(read)
      if (read.why !== null) this.#note(read, 'refreshed', entry)
      if (!this.#isProven(entry, read)) return this.#refused(entry, read)
    }
    // Nothing but this one write, whatever is to be known of memory's hits.
    this.#counts(read.key).memoryHit(entry.warmed, this.#now() - fence.asOf)
    return this.#answer(read, entry, 'HIT', 'memory')
  }

  async #fromKv(read: Read) {
    const { fence, runtime } = this.#isolate
    const { need, key, policy } = read
    const kv = this.#isolate.kvFor(policy, this.#io)
    const isCold = fence.epoch === null
    const isReady = fence.isFresh(need) && fence.reaches(need, 0)
    // Without KV a load is next, and brings the tail along; but a cold fence must start from the snapshot, not from there.
    if (kv === null && !isCold) return null
    // Trouble is kept for after the KV read, which may yet bring the value to serve in spite of it.
    const refreshing = isReady
      ? null
      : this.#refresh(read).then(
          () => null,
          (error: unknown) => ({ error }),
        )
    // The snapshot comes first in a refresh: without any fence there is no name to ask KV for.
    let trouble = isCold ? await refreshing : null
    if (kv === null) return this.#rethrow(trouble)
    const asked = runtime.now()
    const generation = fence.generation(key.path)
    let entry = await this.#kvReads.get(kv, key, generation, policy)
    trouble = await refreshing
    if (
      trouble === null &&
      fence.generation(key.path) !== generation &&
      (entry === null || !this.#isProven(entry, read))
    ) {
      entry = await this.#kvReads.get(kv, key, fence.generation(key.path), policy)
    }
    read.timing.kv = runtime.now() - asked
    read.held ??= entry
    if (read.why !== null) this.#note(read, 'kv', entry)
    if (trouble !== null) return this.#rethrow(trouble)
    if (entry === null) return null
    if (this.#isProven(entry, read)) return this.#promote(read, entry)
    return this.#refused(entry, read)
  }

  #rethrow(trouble: { error: unknown } | null): null {
    if (trouble !== null) throw trouble.error
    return null
  }

  #promote(read: Read, entry: CacheEntry) {
    this.#isolate.remember(read.key, entry)
    const age = this.#now() - this.#isolate.fence.asOf
    this.#counts(read.key).kvHit(entry.warmed, age, entry.text.length)
    return this.#answer(read, entry, 'HIT', 'kv')
  }

  #answer(read: Read, entry: CacheEntry, outcome: CacheOutcome, source: CacheSource) {
    const { bookmark, timing } = read
    const { fence } = this.#isolate
    if (outcome === 'HIT') {
      read.hit = entry
      read.source = source
      read.head = fence.head
      read.asOf = fence.asOf
    }
    this.#tell(read, entry, outcome, source)
    return answer(entry, outcome, source, this.#now(), timing, upToFor(entry, bookmark, fence.head))
  }

  /** Single flight. Whoever joins holds the entry against its own needs; whoever it fails goes on to a later flight. */
  async #load(read: Read, loader: Loader): Promise<CacheEntry> {
    const { flights, runtime } = this.#isolate
    const { key, need } = read
    const asked = runtime.now()
    const name = nameOf(key)
    for (;;) {
      const other = flights.current(name)
      const flight =
        other ??
        flights.lead(name, this.#isolate.nextOrdinal(), runtime.now(), () => this.#loadAndStore(key, loader))
      // Who follows must not hold on to it: a flight that died with its leader never settles.
      if (other === undefined) this.#io.waitUntil(flight.entry.catch(() => {}))
      const entry = other === undefined ? await flight.entry : await flights.join(name, flight, runtime)
      read.timing.db = runtime.now() - asked
      read.why?.push(entry === null ? 'load overdue' : other === undefined ? 'loaded' : 'joined a load')
      if (entry === null) {
        // Overdue. Another follower may have taken over, and be done already.
        const kept = this.#isolate.memory.get(key.path)?.entry
        if (kept !== undefined && kept.canonical === key.canonical && this.#isProven(kept, read)) return kept
        continue
      }
      if (flight.ordinal > need.ordinal || this.#isProven(entry, read)) return entry
    }
  }

  async #loadAndStore(key: CacheKey, loader: Loader): Promise<CacheEntry> {
    const counts = this.#counts(key)
    counts.loads++
    const asked = this.#now()
    try {
      const { loaded, isUsable, rowsRead } = await loader.load(this.#isolate, this.#io)
      counts.loaded(this.#now() - asked, loaded.text.length, rowsRead)
      return this.store(key, loaded, isUsable)
    } catch (error) {
      counts.loadErrors++
      throw error
    }
  }

  /** Keeps a loaded value in memory and, behind the answer, in KV. Without a usable fence: answer, but cache nothing. */
  store(key: CacheKey, loaded: Loaded, isUsable = true): CacheEntry {
    const { fence, runtime } = this.#isolate
    const policy = this.#isolate.policy(key.namespace)
    const entry = makeEntry(key, policy, loaded, runtime.random(), this.#isolate.isWarmer)
    if (!isUsable || !this.#isolate.serves(key) || !fence.isValid(entry)) return entry
    this.#isolate.remember(key, entry)
    const kv = this.#isolate.kvFor(policy, this.#io)
    if (kv !== null && entry.found) {
      this.#io.waitUntil(this.#isolate.kvTier.put(kv, key, fence.generation(key.path), entry, policy))
    }
    return entry
  }

  /** Whether an entry may be the answer: alive, valid by a fence that is fresh for this read, not older than its bookmark. */
  #isProven(entry: CacheEntry, read: Read): boolean {
    const { fence } = this.#isolate
    const { need } = read
    return (
      this.#isAlive(entry, read) &&
      fence.isFresh(need) &&
      fence.reaches(need, entry.stamp) &&
      fence.isValid(entry)
    )
  }

  #isAlive(entry: CacheEntry, { minLifeMs, graceMs: grace }: Pick<Read, 'minLifeMs' | 'graceMs'>): boolean {
    return this.#now() + minLifeMs < entry.expiresAt + grace
  }

  async #refresh(read: Read): Promise<void> {
    const asked = this.#now()
    try {
      await this.#isolate.refresher.refresh(read.need, this.#io)
    } finally {
      read.timing.fence = this.#now() - asked
    }
  }

  /** The last value, labelled, while D1 fails: it is never stored again. */
  #stale(read: Read) {
    const { fence } = this.#isolate
    this.#probe()
    const entry = read.held
    if (entry === null || !read.mayBeStale || (fence.epoch !== null && entry.epoch !== fence.epoch))
      return null
    if (this.#now() >= entry.expiresAt + read.policy.staleIfErrorSeconds * 1000) return null
    this.#counts(read.key).staleHit(this.#now() - entry.loadedAt)
    read.why?.push('D1 fails: the last value')
    const source = this.#isolate.memory.get(read.key.path)?.entry === entry ? 'memory' : 'kv'
    return this.#answer(read, entry, 'STALE', source)
  }

  async #bypass<T>(key: CacheKey, loader: Loader, parse: (json: unknown) => T): Promise<CacheResult<T>> {
    const { runtime } = this.#isolate
    this.#probe()
    const asked = runtime.now()
    const direct = await this.#loadPast(loader)
    const counts = this.#counts(key)
    counts.loads++
    counts.bypasses++
    const why = this.#isolate.settings.enabled ? 'outside the rollout' : 'switched off'
    const timing = { db: runtime.now() - asked }
    const need = { startedAt: asked, maxStalenessMs: 0, minSeq: 0 }
    this.#tell({ key, need, timing, why: [why], tiers: UNTOLD }, null, 'BYPASS', 'database')
    return bypassed(direct, parse, timing)
  }

  /**
   * With the cache off, the value is all there is to ask for. In a partial rollout the answer needs its bookmark: the next key
   * that its client reads may be a cached one.
   */
  async #loadPast(loader: Loader): Promise<Direct> {
    if (!this.#isolate.settings.enabled) return loader.loadDirect(this.#isolate, this.#io)
    const { loaded } = await loader.load(this.#isolate, this.#io)
    return { ...loaded, bookmark: formatBookmark(loaded.epoch, loaded.upTo) }
  }

  /** While D1's breaker is open, one request in a while asks D1 behind its answer, to close it. */
  #probe(): void {
    const { sql, refresher } = this.#isolate
    if (sql.breaker.claimProbe(this.#now())) this.#io.waitUntil(refresher.run(this.#io, true).catch(() => {}))
  }

  #isTold(): boolean {
    return this.#isolate.debug !== null || this.#io.note !== undefined
  }

  /** Notes what a tier said of an entry, before anybody acts on it. */
  #note(read: Read, tier: 'memory' | 'kv' | 'refreshed', entry: CacheEntry | null | undefined): void {
    const { key, need, why } = read
    const { fence } = this.#isolate
    if (entry === null || entry === undefined) {
      why?.push(`${tier}: none`)
      read.tiers.push({ tier, verdict: 'none', held: null, newest: null })
      return
    }
    const isAlive = this.#isAlive(entry, read)
    const what = entry.canonical === key.canonical ? verdict(entry, isAlive, fence, need) : 'another key'
    const { stamp, epoch, loadedAt, expiresAt } = entry
    why?.push(`${tier}: ${what}`)
    const held = { stamp, epoch, loadedAt, expiresAt }
    read.tiers.push({ tier, verdict: what, held, newest: fence.newestOf(entry) })
  }

  #tell(
    {
      key,
      need,
      timing,
      why,
      tiers,
    }: Pick<Read, 'key' | 'timing' | 'why' | 'tiers'> & {
      need: Pick<Freshness, 'startedAt' | 'maxStalenessMs' | 'minSeq'>
    },
    entry: CacheEntry | null,
    outcome: ReadDecision['outcome'],
    source: CacheSource | null,
  ): void {
    const { debug } = this.#isolate
    const { note, requestId = null } = this.#io
    if (why === null || (debug === null && note === undefined)) return
    const decision: ReadDecision = {
      requestId,
      startedAt: need.startedAt,
      answeredAt: this.#now(),
      timing,
      key: key.path,
      outcome,
      source,
      why,
      tiers,
      maxStalenessMs: need.maxStalenessMs,
      minSeq: need.minSeq,
      stamp: entry?.stamp ?? null,
      upTo: entry?.upTo ?? null,
      epoch: entry?.epoch ?? null,
      expiresAt: entry?.expiresAt ?? null,
      fence: this.#isolate.getStats().fence,
      generation: this.#isolate.fence.generation(key.path),
    }
    debug?.(decision)
    note?.(decision)
  }

  /** Counts what the log has moved past, once for each read, though memory and KV may both hold it. */
  #refused(entry: CacheEntry, read: Read): null {
    if (read.wasInvalid || !this.#isAlive(entry, LIFE_ALONE) || this.#isolate.fence.isValid(entry))
      return null
    read.wasInvalid = true
    this.#counts(read.key).invalidByFence++
    return null
  }

  #counts(key: CacheKey) {
    return this.#isolate.stats.of(key.namespace)
  }

  #now(): number {
    return this.#isolate.runtime.now()
  }
}

function servedBy({ hit: entry, source, head, asOf, need }: Read): Served | null {
  if (entry === null || source === 'database') return null
  return { entry, source, head, asOf, startedAt: need.startedAt, maxStalenessMs: need.maxStalenessMs }
}
