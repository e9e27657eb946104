import type { KeyValueStore, KvPage } from '@freshet/cache-core'
import type { EventLoop } from './event-loop.ts'
import { currentInvocation } from './invocation.ts'
import { Network } from './network.ts'
import { type OperationFaults, operate } from './operation.ts'
import type { Random } from './random.ts'

/** KV's limits (PLATFORM.md). */
const MAX_NAME_BYTES = 512
const MAX_METADATA_BYTES = 1_024
const MIN_EXPIRATION_SECONDS = 60
const MIN_CACHE_TTL_SECONDS = 30
const DEFAULT_CACHE_TTL_SECONDS = 60
const MAX_BULK = 100
const MAX_OPERATIONS = 1_000
const WRITES_EVERY_MS = 1_000
const MAX_VALUE_BYTES = 25 * 2 ** 20
/** Names a page of a list, far below the real 1,000, so that lists have pages; and how often one is empty all the same. */
const PAGE = 7
const EMPTY_PAGE_SHARE = 0.1
/** Of the writes that are seen late, this share is seen so many times later. */
const TAIL_SHARE = 0.03
const TAIL_FACTOR = 3

/** What can go wrong with KV, and how often. */
export interface KvFaults extends OperationFaults {
  /** Share of reads that bring another name's value, or half of one. */
  garbageShare: number
  /** Share of writes that other locations see late, and how late at most. */
  lateShare: number
  maxLagMs: number
}

export const NO_KV_FAULTS: KvFaults = {
  errorShare: 0,
  hangShare: 0,
  slowShare: 0,
  garbageShare: 0,
  lateShare: 0.5,
  maxLagMs: 60_000,
}

interface Written {
  /** Null: deleted. */
  value: string | null
  metadata: unknown
  expiresAt: number
  /** Orders concurrent writes: the last one wins. */
  writtenAt: number
  visibleAt: number[]
}

interface Copy {
  of: Written | null
  until: number
}

interface KvRecord {
  value: string | null
  metadata: unknown
}

const ABSENT: KvRecord = { value: null, metadata: null }

/** Workers KV: a central store, and in each location copies that live their time however wrong they are, "not found" included. */
export class SimKv {
  faults: KvFaults = { ...NO_KV_FAULTS }
  onLimit: (what: string) => void = () => {}
  onPut: (name: string, value: string) => void = () => {}
  readonly #names = new Map<string, Written[]>()
  readonly #copies = Array.from({ length: Network.locations }, () => new Map<string, Copy>())
  readonly #lastWrite = new Map<string, number>()
  readonly #loop: EventLoop
  readonly #network: Network
  readonly #random: Random

  constructor(loop: EventLoop, network: Network, random: Random) {
    this.#loop = loop
    this.#network = network
    this.#random = random
  }

  readonly namespace: KeyValueStore = {
    getWithMetadata: this.#getWithMetadata.bind(this) as KeyValueStore['getWithMetadata'],
    put: (name, value, options) => this.#put(name, value, options),
    delete: (name) =>
      this.#operation((location) =>
        this.#write(location, name, { value: null, metadata: null, expiresAt: Number.POSITIVE_INFINITY }),
      ),
    list: ({ prefix, cursor }) => this.#operation((location) => this.#page(location, prefix, cursor ?? '')),
  }

  #getWithMetadata(
    names: string | string[],
    { cacheTtl = DEFAULT_CACHE_TTL_SECONDS }: { cacheTtl?: number },
  ): Promise<KvRecord | Map<string, KvRecord | null>> {
    if (cacheTtl < MIN_CACHE_TTL_SECONDS) this.onLimit(`cacheTtl ${cacheTtl}`)
    if (typeof names === 'string') return this.#operation((location) => this.#get(location, names, cacheTtl))
    if (names.length > MAX_BULK) this.onLimit(`${names.length} names in one bulk read`)
    return this.#operation(
      (location) =>
        new Map(
          names.map((name) => {
            const record = this.#get(location, name, cacheTtl)
            // As the real binding does it: a name that is not there has null, and no record.
            return [name, record.value === null ? null : record]
          }),
        ),
    )
  }

  #put(
    name: string,
    value: string,
    { expirationTtl, metadata }: { expirationTtl: number; metadata: Record<string, unknown> },
  ): Promise<void> {
    if (Buffer.byteLength(name) > MAX_NAME_BYTES)
      this.onLimit(`a KV name of ${Buffer.byteLength(name)} bytes`)
    if (Buffer.byteLength(value) > MAX_VALUE_BYTES)
      this.onLimit(`a KV value of ${Buffer.byteLength(value)} bytes`)
    if (expirationTtl < MIN_EXPIRATION_SECONDS) this.onLimit(`expirationTtl ${expirationTtl}`)
    const text = JSON.stringify(metadata)
    if (Buffer.byteLength(text) > MAX_METADATA_BYTES)
      this.onLimit(`${Buffer.byteLength(text)} bytes of KV metadata`)
    return this.#operation((location) => {
      this.onPut(name, value)
      this.#write(location, name, {
        value,
        metadata: JSON.parse(text),
        expiresAt: this.#loop.now + expirationTtl * 1000,
      })
    })
  }

  #operation<T>(act: (location: number) => T): Promise<T> {
    const invocation = currentInvocation()
    if (++invocation.kvOperations > MAX_OPERATIONS)
      this.onLimit('more than 1,000 KV operations in one invocation')
    return operate({ loop: this.#loop, network: this.#network, random: this.#random }, this.faults, act)
  }

  #write(location: number, name: string, of: Pick<Written, 'value' | 'metadata' | 'expiresAt'>): void {
    const { now } = this.#loop
    if (now - (this.#lastWrite.get(name) ?? 0) < WRITES_EVERY_MS)
      throw new Error('KV PUT failed: 429 Too Many Requests')
    this.#lastWrite.set(name, now)
    const visibleAt = this.#copies.map((_, at) => (at === location ? now : now + this.#lag()))
    const written = { ...of, writtenAt: now, visibleAt }
    // The old value stays until a newer one is seen: one that is seen everywhere ends all before it.
    const others = this.#names.get(name) ?? []
    const seen = others.findLastIndex((one) => one.visibleAt.every((at) => at <= now))
    this.#names.set(name, [...others.slice(Math.max(0, seen)), written])
    this.#copies[location]?.set(name, { of: written, until: now + MIN_CACHE_TTL_SECONDS * 1000 })
  }

  #lag(): number {
    const { lateShare, maxLagMs } = this.faults
    if (!this.#random.chance(lateShare)) return this.#random.below(1_000)
    return this.#random.below(maxLagMs) * (this.#random.chance(TAIL_SHARE) ? TAIL_FACTOR : 1)
  }

  #get(location: number, name: string, cacheTtl: number): KvRecord {
    const { now } = this.#loop
    if (this.#random.chance(this.faults.garbageShare)) return this.#garbage(name)
    const copies = this.#copies[location]
    let copy = copies?.get(name)
    if (copy === undefined || copy.until <= now) {
      copy = { of: this.#visible(location, name), until: now + cacheTtl * 1000 }
      copies?.set(name, copy)
    }
    const { of } = copy
    if (of === null || of.value === null || of.expiresAt <= now) return ABSENT
    return { value: of.value, metadata: of.metadata }
  }

  #visible(location: number, name: string): Written | null {
    let newest: Written | null = null
    for (const written of this.#names.get(name) ?? []) {
      if (
        (written.visibleAt[location] ?? 0) <= this.#loop.now &&
        written.writtenAt >= (newest?.writtenAt ?? 0)
      )
        newest = written
    }
    return newest
  }

  #garbage(name: string): KvRecord {
    const names = [...this.#names.keys()]
    const other = this.#names
      .get(this.#random.chance(0.5) || names.length === 0 ? name : this.#random.pick(names))
      ?.at(-1)
    if (other === undefined || other.value === null) return { value: 'garbage', metadata: 'garbage' }
    if (this.#random.chance(0.5)) return { value: other.value, metadata: other.metadata }
    return { value: other.value.slice(0, this.#random.below(other.value.length)), metadata: other.metadata }
  }

  #page(location: number, prefix: string, cursor: string): KvPage {
    // With a cursor that leads on: "no names here" does not mean "no more names".
    if (this.#random.chance(EMPTY_PAGE_SHARE)) return { keys: [], list_complete: false, cursor }
    const all = [...this.#names.keys()]
      .filter((name) => name.startsWith(prefix) && name > cursor && this.#isListed(location, name))
      .sort()
    const names = all.slice(0, PAGE)
    const keys = names.map((name) => ({ name, metadata: this.#visible(location, name)?.metadata }))
    const last = names.at(-1)
    return all.length > PAGE && last !== undefined
      ? { keys, list_complete: false, cursor: last }
      : { keys, list_complete: true }
  }

  #isListed(location: number, name: string): boolean {
    const visible = this.#visible(location, name)
    return visible !== null && visible.value !== null && visible.expiresAt > this.#loop.now
  }
}
