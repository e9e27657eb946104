import type { RequestIo } from '@freshet/cache-core'
import type { Client } from '../check/read-checker.ts'
import type { Front, Operation, TrackedKey } from '../model/model.ts'
import { NO_D1_FAULTS } from '../world/d1.ts'
import { START } from '../world/event-loop.ts'
import type { Host } from '../world/host.ts'
import type { Invocation } from '../world/invocation.ts'
import { NO_KV_FAULTS } from '../world/kv.ts'
import { NO_QUEUE_FAULTS } from '../world/queue.ts'
import type { World } from '../world/world.ts'
import type { Scenario, Trouble } from './scenario.ts'

const CRON_EVERY_MS = 60_000
const AUDIT_EVERY_MS = 1_500
/** Popularity of keys: the first ones are read most. */
const SKEW = 1.6
/** Requests that ask for all of their keys in one call. */
const BULK_SHARE = 0.1
/** Keys that one request asks for at the same time. */
const MOST_AT_ONCE = 16
/** Writers are fewer when all is calm, so that a hit rate can show. */
const CALM_FACTOR = 8
/** The last part of a run, over which the hit rate must have recovered. */
const RECOVERED_SHARE = 0.1
/** The pipeline has this long to come to rest: the relay's pauses grow to an hour. */
const REST_MS = 6 * 3_600_000
/** A restored database is found out within this, where anybody can. */
const FINDING_MS = 15_000
/** Reads before a hit rate says something. */
const ENOUGH_READS = 100
/** Share of the reads that may fail when all is well again. */
const MOST_FAILED = 0.002

/** Lives one scenario in a world: readers, writers, and everything that befalls them. */
export class Driver {
  readonly #world: World
  readonly #scenario: Scenario
  readonly #clients: Client[]
  readonly #operations: { operation: Operation; upTo: number }[] = []
  readonly #end: number
  readonly #calmFrom: number
  #quietUntil = 0
  #weights = 0
  #backup: { database: Uint8Array } | null = null

  constructor(world: World, scenario: Scenario) {
    this.#world = world
    this.#scenario = scenario
    this.#end = START + scenario.durationMs
    this.#calmFrom = START + scenario.durationMs * scenario.troubleShare
    this.#clients = Array.from({ length: scenario.clients }, (_, id) => ({
      id,
      location: id % scenario.locations,
      carries: id % 3 === 0,
      bookmark: null,
      isBusy: false,
      turn: 0,
      seenTxn: -1,
      epoch: world.oracle.epoch,
    }))
    const { isDesign } = world.options
    for (const operation of world.model.operations) {
      const weight = scenario.weights[operation.name] ?? operation.weight
      if (weight === 0 || (isDesign && operation.needsFreshet)) continue
      this.#weights += weight
      this.#operations.push({ operation, upTo: this.#weights })
    }
  }

  /** Runs it to its end; must be called from a macrotask of its own. */
  run(): void {
    const { loop, verdicts } = this.#world
    const { restoreEveryMs, deployEveryMs, killEveryMs, freezeEveryMs, quietEveryMs, poisonEveryMs } =
      this.#scenario
    this.#applyFaults(this.#scenario.always)
    this.#world.crashShare = this.#scenario.consumerCrashShare
    // In a frozen isolate nothing ends, either.
    this.#world.mayHang =
      freezeEveryMs > 0 ||
      this.#scenario.troubles.some(({ d1 = {}, kv = {} }) => d1.isDown || d1.lostAnswerShare || kv.hangShare)
    this.#repeat(this.#scenario.requestEveryMs, this.#end, () => this.#request())
    this.#repeat(this.#scenario.writeEveryMs, this.#calmFrom, () => this.#write())
    loop.at(this.#calmFrom, () =>
      this.#repeat(this.#scenario.writeEveryMs * CALM_FACTOR, this.#end, () => this.#write()),
    )
    this.#repeat(killEveryMs, this.#calmFrom, () => this.#kill())
    this.#repeat(freezeEveryMs, this.#calmFrom, () => this.#freeze())
    this.#repeat(restoreEveryMs, this.#calmFrom - 10_000, () => this.#restore())
    this.#repeat(restoreEveryMs / 8, this.#calmFrom, () => this.#backUp())
    this.#repeat(deployEveryMs, this.#calmFrom, () => this.#deploy())
    this.#repeat(quietEveryMs, this.#calmFrom, () => this.#goQuiet())
    this.#repeat(poisonEveryMs, this.#calmFrom, () => this.#poison())
    for (const trouble of this.#scenario.troubles)
      this.#repeat(trouble.everyMs, this.#calmFrom, () => this.#trouble(trouble))
    this.#repeat(AUDIT_EVERY_MS, this.#end, () => this.#audit())
    loop.at(this.#calmFrom, () => this.#calm())
    if (!this.#world.options.isDesign) this.#cron()
    loop.run(this.#end - this.#scenario.durationMs * RECOVERED_SHARE)
    const { hits, misses, failed } = verdicts
    loop.run(this.#end)
    this.#checkRecovery(verdicts.hits - hits, verdicts.misses - misses, verdicts.failed - failed)
    if (!this.#world.options.isDesign) this.#comeToRest()
  }

  #repeat(everyMs: number, until: number, act: () => void): void {
    if (everyMs <= 0) return
    const { loop, random } = this.#world
    const next = () => {
      const at = loop.now + Math.max(1, random.gap(everyMs))
      if (at >= until) return
      loop.at(at, () => {
        act()
        next()
      })
    }
    next()
  }

  #cron(): void {
    const { loop } = this.#world
    const next = () => {
      this.#world.cron()
      loop.after(CRON_EVERY_MS, next)
    }
    loop.after(CRON_EVERY_MS, next)
  }

  #checkRecovery(hits: number, misses: number, failed: number): void {
    const { verdicts, loop, options, oracle } = this.#world
    if (options.isDesign || hits + misses + failed < ENOUGH_READS) return
    const violate = (what: string) => verdicts.violate('P9', loop.now - START, what)
    verdicts.checked.P9++
    const rate = hits / Math.max(1, hits + misses)
    if (rate < this.#scenario.recoversTo)
      violate(`a hit rate of ${rate.toFixed(3)} at the end, below ${this.#scenario.recoversTo}`)
    if (failed > (hits + misses + failed) * MOST_FAILED)
      violate(`${failed} reads failed at the end, when nothing was wrong any more`)
    if (oracle.needlessMoves > 0)
      violate(`${oracle.needlessMoves} epochs ended though nothing had been restored`)
  }

  #comeToRest(): void {
    const { loop, audit } = this.#world
    const until = loop.now + REST_MS
    while (loop.now < until && !audit.isSettled) loop.run(loop.now + CRON_EVERY_MS)
    audit.end()
  }

  #request(): void {
    const { random, loop } = this.#world
    if (loop.now < this.#quietUntil) return
    const client = random.pick(this.#clients)
    if (client.isBusy) return
    const turn = client.carries ? ++client.turn : client.turn
    client.isBusy = client.carries
    const host = this.#hostFor(client)
    const { strongShare, shortShare } = this.#scenario
    const roll = random.next()
    const maxStalenessMs =
      roll < strongShare ? 0 : roll < strongShare + shortShare ? random.between(1, 4_000) : null
    const inTurn = client.carries || random.chance(0.5)
    // Six connections are all that a request has: what it reads at once, it reads in small numbers.
    const most = inTurn
      ? this.#scenario.readsPerRequest
      : Math.min(MOST_AT_ONCE, this.#scenario.readsPerRequest)
    const keys = Array.from({ length: random.between(1, most) }, () =>
      random.pick(this.#world.oracle.keys, SKEW),
    )
    // The request before this one may outlive its answer: its end must not be taken for that of this one.
    const done = () => {
      if (client.turn === turn) client.isBusy = false
    }
    const inBulk = !client.carries && random.chance(BULK_SHARE)
    const invocation = this.#world.request(host, 'request', async (front) => {
      if (inBulk) return this.#readMany(front, host, client, keys, maxStalenessMs)
      const reads: Promise<void>[] = []
      for (const key of keys) {
        const read = this.#read(front, host, client, key, maxStalenessMs)
        if (inTurn) await read
        else reads.push(read)
      }
      await Promise.all(reads)
      done()
    })
    invocation.onEnd = done
    this.#mayCancel(invocation)
  }

  /** The keys that the tiers can prove, in one call. */
  async #readMany(
    front: Front,
    host: Host,
    client: Client,
    keys: readonly TrackedKey[],
    maxStalenessMs: number | null,
  ): Promise<void> {
    if (front.cache === null) return
    const { reads } = this.#world
    const options = maxStalenessMs === null ? {} : { maxStalenessMs }
    const begun = new Map(keys.map((key) => [key.path, reads.begin(key, host, client, options)]))
    const found = await front.cache.getMany([...begun.keys()], options)
    for (const [path, value] of found) {
      const one = begun.get(path)
      const text = JSON.stringify(value)
      // It does not say from where, nor at what position.
      if (one !== undefined)
        reads.end(one, { outcome: 'HIT', source: 'memory', text, bookmark: null, ttlMs: 0 })
    }
  }

  async #read(
    front: Front,
    host: Host,
    client: Client,
    key: TrackedKey,
    maxStalenessMs: number | null,
  ): Promise<void> {
    const { reads, verdicts } = this.#world
    const bookmark = client.carries && client.bookmark !== null ? client.bookmark : undefined
    const options = {
      ...(bookmark !== undefined && { bookmark }),
      ...(maxStalenessMs !== null && { maxStalenessMs }),
    }
    const begun = reads.begin(key, host, client, options)
    try {
      const answer = await front.read(key, options)
      if (answer === null) return
      this.#world.trace(
        () =>
          `isolate ${host.id} answers client ${client.id} ${key.path}: ${answer.outcome} from ${answer.source}, ${answer.text}`,
      )
      reads.end(begun, answer)
    } catch {
      verdicts.failed++
    }
  }

  /** An editor writes, and then at once reads, mostly what they wrote, through whatever isolate answers. */
  #write(): void {
    const { random, loop } = this.#world
    if (loop.now < this.#quietUntil && random.chance(0.5)) return
    const client = random.pick(this.#clients)
    const roll = random.next() * this.#weights
    const operation = this.#operations.find(({ upTo }) => roll < upTo)?.operation
    if (operation === undefined) return
    for (let i = 1; i < (operation.burst ?? 1); i++) this.#run(operation, random.pick(this.#clients))
    this.#run(operation, client)
  }

  #run(operation: Operation, client: Client): void {
    const { random, loop, oracle, d1 } = this.#world
    const host = this.#hostFor(client)
    this.#world.trace(() => `${operation.name} by client ${client.id} in isolate ${host.id}`)
    const invocation = this.#world.request(host, operation.name, async (front, io, own) => {
      const epoch = oracle.epoch
      const bookmark = await operation.run(this.#writeContext(front, host, io, own))
      if (bookmark === null || epoch !== oracle.epoch || oracle.epochMovedAt > loop.now) return
      const seq = oracle.bookmarkOf(bookmark)?.seq
      if (seq === undefined || d1.txn < 0) return
      const txn = oracle.txnOf(seq)
      const changed = oracle.keys.filter(({ history }) => history.changedAt(txn))
      for (const { path } of changed) host.ownWrites.set(path, Math.max(host.ownWrites.get(path) ?? -1, txn))
      if (random.chance(0.5)) this.#readBack(client, bookmark)
      else this.#readOwn(client, host, changed)
    })
    this.#mayCancel(invocation)
  }

  #readBack(client: Client, bookmark: string): void {
    const { random, reads, oracle, loop } = this.#world
    loop.after(random.below(50), () => {
      if (this.#world.hosts.length === 0) return
      const host = random.pick(this.#world.hosts)
      const keys = Array.from({ length: 4 }, () => random.pick(oracle.keys, SKEW))
      this.#world.request(host, 'read back', async (front) => {
        for (const key of keys) {
          const begun = reads.begin(key, host, { ...client, carries: false }, { bookmark })
          const answer = await front.read(key, { bookmark }).catch(() => null)
          if (answer !== null) reads.end(begun, answer)
        }
      })
    })
  }

  /** What was just written, through the isolate that wrote it, with no bookmark at all. */
  #readOwn(client: Client, host: Host, own: readonly TrackedKey[]): void {
    const { loop } = this.#world
    loop.after(1, () => {
      if (!host.isAlive) return
      this.#world.request(host, 'read own', async (front) => {
        await Promise.all(
          own
            .slice(0, MOST_AT_ONCE)
            .map((key) => this.#read(front, host, { ...client, carries: false }, key, null)),
        )
      })
    })
  }

  #writeContext(front: Front, host: Host, io: RequestIo, invocation: Invocation) {
    const { random, value, events, audit, oracle } = this.#world
    return {
      front,
      db: io.db,
      runtime: host.runtime,
      random,
      value,
      setting: (path: string, text: string) => {
        invocation.setting = { path, text }
      },
      track: (spec: Parameters<typeof oracle.track>[0]) => {
        oracle.track(spec)
      },
      produce: async ({ type, payload }: { type: string; payload: unknown }) => {
        const body = { v: 1, id: `produced-${value()}`, type, payload }
        audit.produced(body)
        events.accept(body)
      },
    }
  }

  #hostFor(client: Client): Host {
    const { random } = this.#world
    const location = random.chance(0.15) ? random.below(this.#scenario.locations) : client.location
    const here = this.#world.hosts.filter((host) => host.location === location)
    if (here.length < this.#scenario.isolatesPerLocation) return this.#world.startHost(location)
    return random.pick(here)
  }

  #mayCancel(invocation: Invocation): void {
    const { random, loop } = this.#world
    if (!random.chance(this.#scenario.cancelShare)) return
    loop.after(random.between(0, 200), () => {
      if (loop.now < this.#calmFrom) invocation.end()
    })
  }

  #kill(): void {
    const { hosts, consumers, random } = this.#world
    const all = [...hosts, ...consumers]
    if (all.length > 0) this.#world.kill(random.pick(all))
  }

  #freeze(): void {
    const { hosts, random, loop } = this.#world
    if (hosts.length === 0) return
    const host = random.pick(hosts)
    const [least, most] = this.#scenario.freezeMs
    const ms = Math.round(least + (most - least) * random.next() ** 3)
    host.frozenUntil = Math.min(loop.now + ms, this.#calmFrom)
    this.#world.trace(() => `isolate ${host.id} freezes for ${ms} ms`)
  }

  #goQuiet(): void {
    const { random, loop } = this.#world
    const [least, most] = this.#scenario.quietMs
    this.#quietUntil = Math.min(
      loop.now + Math.round(least + (most - least) * random.next() ** 2),
      this.#calmFrom,
    )
    this.#world.trace(() => `quiet for ${this.#quietUntil - loop.now} ms`)
  }

  #backUp(): void {
    if (this.#backup === null || this.#world.random.chance(0.3))
      this.#backup = { database: this.#world.d1.backup() }
  }

  /** Back to the backup. The runbook moves the epoch with it; whoever forgets that leaves it to the isolates. */
  #restore(): void {
    const { d1, oracle, audit, random, hosts, loop } = this.#world
    if (this.#backup === null || oracle.epochMovedAt > loop.now) return
    d1.restore(this.#backup.database)
    this.#backup = null
    const txn = d1.txn++
    oracle.restored(txn)
    audit.restored()
    for (const host of hosts) host.ownWrites.clear()
    const isByTheBook = random.chance(0.5)
    this.#world.trace(
      () => `the database is restored, back to ${oracle.head}${isByTheBook ? ', with a new epoch' : ''}`,
    )
    if (!isByTheBook)
      this.#expectFinding(hosts.filter((host) => (host.isolate?.fence.head ?? 0) > oracle.head))
    if (isByTheBook) {
      d1.exec(
        `UPDATE invalidation_state SET epoch = '${random
          .below(2 ** 32)
          .toString(16)
          .padStart(16, '0')}'`,
      )
      oracle.moved()
    }
  }

  /** An isolate that has seen what the database no longer has finds that out by its next refresh. */
  #expectFinding(finders: Host[]): void {
    const { loop, oracle, verdicts } = this.#world
    const before = finders.map((host) => host.requests)
    const { restores } = oracle
    loop.after(FINDING_MS, () => {
      const asked = finders.filter((host, i) => host.isAlive && host.requests > (before[i] ?? 0) + 1)
      // Found out, and then restored once more, is another story.
      if (oracle.restores === restores && oracle.epochMovedAt > loop.now && asked.length > 0) {
        verdicts.violate(
          'P1',
          loop.now - START,
          `a restored database was not found out within ${FINDING_MS} ms`,
        )
      }
    })
  }

  #deploy(): void {
    const { random, env, hosts } = this.#world
    const version = random.chance(0.4) ? String(random.between(1, 3)) : env.CACHE_VERSION
    this.#world.env = {
      ...this.#scenario.env,
      ...(version !== undefined && { CACHE_VERSION: version }),
      ...(random.chance(0.15) && { CACHE_KV_ENABLED: 'false' }),
      ...(random.chance(0.1) && { CACHE_ENABLED: 'false' }),
      ...(random.chance(0.2) && { CACHE_ROLLOUT_PERCENT: '50' }),
      ...(random.chance(0.2) && { CACHE_MAX_STALENESS_MS: '1500' }),
    }
    this.#world.trace(() => `deploy: ${JSON.stringify(this.#world.env)}`)
    // Old isolates live on beside the new ones for a while.
    for (const host of [...hosts]) if (random.chance(0.8)) this.#world.kill(host)
  }

  #poison(): void {
    const { random, events, warm, dead, audit, value } = this.#world
    const bodies: [typeof events, unknown][] = [
      [events, { v: 1, id: `poison-${value()}`, type: 'no.such', payload: {} }],
      [events, { nothing: value() }],
      [
        warm,
        { v: 1, recipe: { resource: 'no such', params: { n: value() } }, priority: 1, reason: 'poison' },
      ],
      [
        warm,
        {
          v: 1,
          recipe: { resource: 'profile', params: { id: 'a1' } },
          priority: 1,
          reason: `poison ${value()}`,
        },
      ],
      [dead, { v: 1, id: `spent-${value()}`, type: 'feed.update', payload: { id: 'f0' } }],
    ]
    const [queue, body] = random.pick(bodies)
    audit.poisoned(body)
    queue.accept(body)
  }

  #trouble(trouble: Trouble): void {
    const { random, loop } = this.#world
    const [least, most] = trouble.lastsMs
    this.#world.trace(() => `trouble: ${JSON.stringify(trouble)}`)
    this.#applyFaults(trouble)
    loop.after(random.between(least, most), () => {
      if (loop.now >= this.#calmFrom) return
      // Trouble of two kinds may overlap; the end of one ends both, which is trouble enough.
      this.#noFaults()
      this.#applyFaults(this.#scenario.always)
    })
  }

  #applyFaults({ d1, kv, queue }: Omit<Trouble, 'everyMs' | 'lastsMs'>): void {
    const { world } = { world: this.#world }
    Object.assign(world.d1.faults, d1)
    Object.assign(world.kv.faults, kv)
    Object.assign(world.events.faults, queue)
    // What the consumer was promised to have sent must arrive, or nobody could tell whether it was sent.
    Object.assign(world.warm.faults, queue, { loseShare: 0 })
  }

  #noFaults(): void {
    Object.assign(this.#world.d1.faults, NO_D1_FAULTS)
    Object.assign(this.#world.kv.faults, NO_KV_FAULTS)
    for (const queue of [this.#world.events, this.#world.warm]) Object.assign(queue.faults, NO_QUEUE_FAULTS)
  }

  #calm(): void {
    this.#world.trace(() => 'all is calm from here on')
    this.#noFaults()
    this.#world.crashShare = 0
    this.#world.env = { ...this.#scenario.env }
    // Isolates of experiments go with them.
    if (this.#scenario.deployEveryMs > 0) for (const host of [...this.#world.hosts]) this.#world.kill(host)
    this.#quietUntil = 0
  }

  #audit(): void {
    for (const host of this.#world.hosts) this.#world.audit.host(host)
  }
}
