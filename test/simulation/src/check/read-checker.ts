import type { CacheConfigs, ReadOptions } from '@freshet/cache-core'
import type { Version } from '../history/history.ts'
import type { Oracle } from '../history/oracle.ts'
import type { Answer, TrackedKey } from '../model/model.ts'
import type { SimD1 } from '../world/d1.ts'
import type { EventLoop } from '../world/event-loop.ts'
import { START } from '../world/event-loop.ts'
import type { Host } from '../world/host.ts'
import type { Invocation } from '../world/invocation.ts'
import type { Network } from '../world/network.ts'
import type { Verdicts } from './verdicts.ts'

/** Jitter of lifetimes, and the clocks of two isolates that differ. */
const LIFETIME_SLACK = 1.1
const CLOCK_SLACK_MS = 1_000

/** Someone who reads. */
export interface Client {
  id: number
  location: number
  /** Whether it sends the bookmark of its last answer along. */
  carries: boolean
  bookmark: string | null
  /** Whether it waits for an answer: one that carries bookmarks asks for one thing after the other. */
  isBusy: boolean
  /** Which of its requests it waits for. */
  turn: number
  /** The newest transaction that it has seen the work of. */
  seenTxn: number
  /** Reads since a restore say nothing about those before. */
  epoch: string
}

/** What was so when a read began. */
export interface Begun {
  key: TrackedKey
  /** True time of the isolate's clock: it stands still while code runs. */
  at: number
  /** The true time itself. */
  sinceReal: number
  txn: number
  order: number
  ownTxn: number
  seenTxn: number
  maxStalenessMs: number
  bookmark: string | null
  client: Client
  host: Host
  invocation: Invocation
}

/** Holds each answer against the history: P1, P2, P3, and of P8 what an answer can show. */
export class ReadChecker {
  readonly #loop: EventLoop
  readonly #d1: SimD1
  readonly #network: Network
  readonly #oracle: Oracle
  readonly #configs: CacheConfigs
  readonly #verdicts: Verdicts
  readonly #riskMs: number
  readonly #onBegun: (begun: Begun) => void

  constructor(of: {
    loop: EventLoop
    d1: SimD1
    network: Network
    oracle: Oracle
    configs: CacheConfigs
    verdicts: Verdicts
    maxLagMs: number
    onBegun: (begun: Begun) => void
  }) {
    this.#onBegun = of.onBegun
    this.#loop = of.loop
    this.#d1 = of.d1
    this.#network = of.network
    this.#oracle = of.oracle
    this.#configs = of.configs
    this.#verdicts = of.verdicts
    this.#riskMs = of.maxLagMs
  }

  begin(key: TrackedKey, invocation: Invocation, client: Client, options: ReadOptions): Begun {
    const { host } = invocation
    const begun = {
      key,
      at: host.clock,
      sinceReal: this.#loop.now,
      txn: this.#d1.txn,
      order: this.#network.nextOrder(),
      ownTxn: host.ownWrites.get(key.path) ?? -2,
      seenTxn: client.seenTxn,
      maxStalenessMs: Math.min(
        this.#policy(key).maxStalenessMs,
        options.maxStalenessMs ?? Number.POSITIVE_INFINITY,
        host.isolate?.settings.maxStalenessMs ?? Number.POSITIVE_INFINITY,
      ),
      bookmark: options.bookmark ?? null,
      client,
      host,
      invocation,
    }
    this.#onBegun(begun)
    return begun
  }

  end(begun: Begun, answer: Answer): void {
    const { key, client } = begun
    const verdicts = this.#verdicts
    const policy = this.#policy(key)
    if (answer.outcome === 'HIT') verdicts.hits++
    else if (answer.outcome === 'MISS') verdicts.misses++
    const version = key.history.lastOf(answer.text)
    if (key.owner !== null) verdicts.checked.P8++
    // No restore excuses an answer that was never this key's, least of all where the key is somebody's own.
    if (version === undefined) {
      const property = key.owner === null ? 'P1' : 'P8'
      this.#violate(property, begun, answer, 'which this key never was')
      return
    }
    if (begun.at < this.#oracle.epochMovedAt + begun.maxStalenessMs) {
      // Before the first restore that is the very beginning, when nothing has changed yet.
      verdicts.exempt++
      return
    }
    verdicts.reads++
    if (answer.bookmark === null && !this.#mayLackBookmark(begun, answer))
      this.#violate('P3', begun, answer, 'without a bookmark')
    if (answer.outcome === 'STALE') {
      verdicts.stale++
      this.#checkStale(begun, answer, version)
      return
    }
    verdicts.checked.P1++
    const isBounded = key.bound === 'staleness'
    const grace = (policy.staleWhileRevalidateSeconds ?? 0) * 1000
    const bound = isBounded
      ? begun.maxStalenessMs
      : policy.ttl * LIFETIME_SLACK * 1000 + grace + CLOCK_SLACK_MS
    const staleness = begun.at - version.until
    if (isBounded) verdicts.noteStaleness(Math.max(0, staleness), begun.maxStalenessMs)
    if (
      key.history.current.from > begun.at - 2 * policy.maxStalenessMs - this.#riskMs &&
      key.history.current.fromTxn >= 0
    ) {
      verdicts.readsAtRisk++
    }
    if (staleness > bound)
      this.#violate('P1', begun, answer, `replaced ${staleness} ms before, over ${bound} ms`)
    if (!isBounded) return
    const bookmark = begun.bookmark === null ? null : this.#oracle.bookmarkOf(begun.bookmark)
    const isForeign = begun.bookmark !== null && bookmark === null
    if (begun.maxStalenessMs === 0 || isForeign || answer.outcome === 'BYPASS')
      this.#checkStrong(begun, answer, version)
    if (bookmark !== null) {
      verdicts.checked.P3++
      if (version.untilTxn <= this.#oracle.txnOf(bookmark.seq)) {
        this.#violate('P3', begun, answer, `older than its bookmark ${begun.bookmark}`)
      }
    }
    if (version.untilTxn <= begun.ownTxn) {
      this.#violate(
        'P3',
        begun,
        answer,
        `older than a write of the same isolate (transaction ${begun.ownTxn})`,
      )
    }
    this.#checkMonotonic(begun, answer, version, client)
  }

  #mayLackBookmark({ host }: Begun, { outcome }: Answer): boolean {
    if (host.isolate === null) return true
    return outcome === 'BYPASS' && !host.isolate.settings.enabled
  }

  #checkMonotonic(begun: Begun, answer: Answer, version: Version, client: Client): void {
    // An answer without a bookmark, as past the cache, promises nothing for the next one.
    if (!client.carries || typeof answer.bookmark !== 'string') return
    this.#verdicts.checked.P3++
    if (client.epoch !== this.#oracle.epoch) {
      client.epoch = this.#oracle.epoch
      client.seenTxn = -1
    } else if (version.untilTxn <= begun.seenTxn) {
      this.#violate(
        'P3',
        begun,
        answer,
        `older than what client ${client.id} had seen (transaction ${begun.seenTxn})`,
      )
    }
    const first = begun.key.history.firstOf(answer.text)
    client.seenTxn = Math.max(client.seenTxn, first?.fromTxn ?? -1)
    client.bookmark = answer.bookmark
  }

  /** The value was current at the first transaction that could have checked it, or later. */
  #checkStrong(begun: Begun, answer: Answer, version: Version): void {
    this.#verdicts.checked.P2++
    const { sent } = begun.host
    let check = Number.POSITIVE_INFINITY
    for (let i = sent.length - 1; i >= 0; i--) {
      const one = sent[i]
      if (one === undefined || one.txn < begun.txn) break
      if (one.sentAt > begun.order) check = one.txn
    }
    if (check === Number.POSITIVE_INFINITY) this.#violate('P2', begun, answer, 'without asking D1')
    else if (version.untilTxn <= check)
      this.#violate('P2', begun, answer, `replaced before transaction ${check} checked it`)
  }

  #checkStale(begun: Begun, answer: Answer, version: Version): void {
    const policy = this.#policy(begun.key)
    if (policy.staleIfErrorSeconds === 0 || begun.maxStalenessMs === 0 || begun.bookmark !== null) {
      this.#violate('P1', begun, answer, 'stale, where that is not allowed')
    }
    const longest = (policy.ttl * LIFETIME_SLACK + policy.staleIfErrorSeconds) * 1000 + CLOCK_SLACK_MS
    if (begun.at - version.until > longest)
      this.#violate('P1', begun, answer, `stale for longer than ${longest} ms`)
  }

  #policy(key: TrackedKey) {
    const policy = this.#configs[key.source.namespace]
    if (policy === undefined) throw new Error(`no policy for ${key.source.namespace}`)
    return policy
  }

  #violate(property: 'P1' | 'P2' | 'P3' | 'P8', begun: Begun, answer: Answer, why: string): void {
    const { key, host, client, at } = begun
    const options = `Δ ${begun.maxStalenessMs} ms${begun.bookmark === null ? '' : `, bookmark ${begun.bookmark}`}`
    this.#verdicts.violate(
      property,
      at - START,
      `${key.path} read by client ${client.id} in isolate ${host.id} at ${at - START} ms (${options}) answered ${answer.outcome} from ${answer.source}: ${answer.text.slice(0, 500)}, ${why}; current is ${key.history.current.text.slice(0, 500)}`,
    )
  }
}
