import {
  CacheService,
  type FenceLimits,
  Isolate,
  parseSettings,
  type RequestIo,
  withoutMemory,
} from '@freshet/cache-core'
import type { QueueMessage } from '@freshet/cache-core/pipeline'
import { Audit } from '../check/audit.ts'
import { Failures } from '../check/failures.ts'
import { type Begun, ReadChecker } from '../check/read-checker.ts'
import { Verdicts } from '../check/verdicts.ts'
import { Oracle } from '../history/oracle.ts'
import type { Front, Model } from '../model/model.ts'
import { SimD1 } from './d1.ts'
import { EventLoop, START } from './event-loop.ts'
import { Host } from './host.ts'
import { Invocation } from './invocation.ts'
import { SimKv } from './kv.ts'
import { SimLocations } from './locations.ts'
import { Network } from './network.ts'
import { isolateOf, Pipeline } from './pipeline.ts'
import { SimQueue, settleWith } from './queue.ts'
import { Random } from './random.ts'

/** Clocks of isolates differ by up to this from the true time. */
const MAX_SKEW_MS = 30

/** The wall time that a consumer's or cron's invocation gets (PLATFORM.md). */
const MAX_WALL_MS = 15 * 60_000

/** Notes each row that leaves the log before its event was processed, and each that is processed. */
const NOTES = `CREATE TABLE sim_undelivered (event_id TEXT NOT NULL);
CREATE TRIGGER sim_undelivered_note BEFORE DELETE ON invalidation_log WHEN old.processed_at IS NULL
BEGIN INSERT INTO sim_undelivered VALUES (old.event_id); END;
CREATE TABLE sim_processed (event_id TEXT NOT NULL);
CREATE TRIGGER sim_processed_note AFTER UPDATE ON invalidation_log
WHEN old.processed_at IS NULL AND new.processed_at IS NOT NULL
BEGIN INSERT INTO sim_processed VALUES (new.event_id); END`

/** What a world is made from. */
export interface WorldOptions {
  seed: string
  model: Model
  fence: Required<FenceLimits>
  /** Environment variables of the Workers. */
  env: Readonly<Record<string, string>>
  maxEntries: number
  /** Lifetime in seconds by which the log is pruned; null for the model's own. */
  pruneTtl: number | null
  /** Whether a known design is in Freshet's place. */
  isDesign: boolean
  makeFront: (world: World, host: Host, io: RequestIo) => Front
  trace?: ((line: string) => void) | undefined
}

/** The platform, with both Workers in it. */
export class World {
  readonly options: WorldOptions
  readonly model: Model
  readonly random: Random
  readonly loop = new EventLoop()
  readonly network: Network
  readonly d1: SimD1
  readonly kv: SimKv
  readonly locations: SimLocations
  readonly events: SimQueue
  readonly warm: SimQueue
  readonly warmLow: SimQueue
  readonly dead: SimQueue
  readonly oracle: Oracle
  readonly verdicts = new Verdicts()
  readonly reads: ReadChecker
  readonly audit: Audit
  readonly failures: Failures
  readonly pipeline: Pipeline
  /** API isolates, and the consumer's. */
  hosts: Host[] = []
  consumers: Host[] = []
  /** Environment of isolates that start from now on: a deploy changes it. */
  env: Record<string, string>
  /** Chance that a consumer dies within a batch. */
  crashShare = 0
  /** Chance that an invocation dies right before or right after a delivered answer. */
  answerCrashShare = 0
  /** Chance that the code after an answer keeps the CPU busy, and how long at most. */
  busyShare = 0
  busyMs = 0
  #hosts = 0
  #values = 0

  constructor(options: WorldOptions) {
    this.options = options
    this.model = options.model
    // The oracle sees more than a sample of the hits does; verification's own runs say otherwise.
    this.env = { CACHE_VERIFY_SAMPLE: '0', ...options.env }
    this.random = new Random(options.seed)
    const { loop, random } = this
    this.network = new Network(random)
    this.d1 = new SimD1(loop, this.network, random)
    for (const sql of [...this.model.schema, NOTES]) this.d1.exec(sql)
    this.kv = new SimKv(loop, this.network, random)
    this.locations = new SimLocations({ loop, network: this.network, random }, this.kv.faults)
    const queue = (name: string, deadLetters: SimQueue | null) =>
      new SimQueue(
        { name, batchSize: 100, concurrency: 3, maxRetries: 5, deadLetters },
        loop,
        this.network,
        random,
      )
    this.dead = queue('cache-dead-letters', null)
    this.events = queue('cache-events', this.dead)
    this.warm = queue('cache-warm-high', this.dead)
    this.warmLow = queue('cache-warm-low', this.dead)
    this.oracle = new Oracle(this.d1, loop, this.model.keys)
    const { d1, network, oracle, verdicts } = this
    const { configs } = this.model
    const maxLagMs = this.kv.faults.maxLagMs
    const onBegun = (begun: Begun) => this.failures.begun(begun)
    this.reads = new ReadChecker({ loop, d1, network, oracle, configs, verdicts, maxLagMs, onBegun })
    this.pipeline = new Pipeline(this)
    this.audit = new Audit(this)
    this.failures = new Failures(this)
    d1.onCommit = (committed) => {
      oracle.committed(committed)
      if (committed.processed) this.audit.deliveries.processed()
      this.trace(
        () =>
          `commit ${committed.txn}${committed.logged ? `, log at ${oracle.head}` : ''} from isolate ${committed.invocation.host.id} (${committed.invocation.kind})`,
      )
    }
    const onLimit = (what: string) => this.verdicts.violate('P6', loop.now - START, what)
    for (const part of [this.d1, this.kv, ...this.queues]) part.onLimit = onLimit
    for (const each of this.queues) {
      each.consumer = (name, batch, done) => this.#consume(name, batch, done)
      each.onReturned = (body, invocation) =>
        this.failures.returned(`${JSON.stringify(body)} of ${each.options.name}`, invocation)
    }
    this.audit.watch()
  }

  get queues(): SimQueue[] {
    return [this.events, this.warm, this.warmLow, this.dead]
  }

  /** A line for the trace; not even built when nobody reads it. */
  trace(line: () => string): void {
    this.options.trace?.(`${String(this.loop.now - START).padStart(9)} ms  ${line()}`)
  }

  value = (): number => ++this.#values

  /** Starts an API isolate. */
  startHost(location: number): Host {
    const host = this.#host(location)
    if (!this.options.isDesign) {
      const settings = { ...parseSettings(this.env), maxEntries: this.options.maxEntries }
      host.isolate = new Isolate({
        configs: this.model.configs,
        settings,
        ...(settings.locationOrigin !== null && { location: this.locations }),
        runtime: host.runtime,
        fence: this.options.fence,
      })
    }
    this.hosts.push(host)
    this.trace(() => `isolate ${host.id} starts in location ${location}`)
    return host
  }

  /** Runs one request in an isolate. */
  request(
    host: Host,
    kind: string,
    handler: (front: Front, io: RequestIo, invocation: Invocation) => Promise<void>,
  ): Invocation {
    const invocation = this.#invocation(host, kind)
    const io: RequestIo = {
      db: this.d1.database,
      kv: this.kv.namespace,
      events: this.events.producer,
      waitUntil: invocation.waitUntil,
    }
    const isFirst = host.requests++ === 0
    invocation.deliver(() =>
      invocation.run(() => {
        if (isFirst) this.#warmOnStartup(host, io)
        return handler(this.options.makeFront(this, host, io), io, invocation)
      }),
    )
    return invocation
  }

  kill(host: Host): void {
    host.kill()
    this.hosts = this.hosts.filter((one) => one !== host)
    this.consumers = this.consumers.filter((one) => one !== host)
    this.trace(() => `isolate ${host.id} is gone`)
  }

  /** The consumer's cron trigger. @param scheduledAt the time that the run is for */
  cron(scheduledAt: number): void {
    const host = this.consumer()
    const invocation = this.#invocation(host, 'cron')
    this.#mayCrash(invocation)
    invocation.deliver(() =>
      invocation.run(async () => {
        await this.pipeline
          .schedule(scheduledAt, host)
          .catch((error: unknown) => this.failures.unexpected('a cron run', error))
      }),
    )
  }

  #consume(
    queue: string,
    messages: readonly QueueMessage[],
    done: (how: 'returned' | 'threw' | 'died', invocation: Invocation) => void,
  ): void {
    const host = this.consumer()
    const invocation = this.#invocation(host, queue)
    this.trace(() => `${messages.length} messages of ${queue} to isolate ${host.id}`)
    settleWith(
      invocation,
      async () => {
        await this.pipeline.consume(queue, messages, host)
      },
      done,
      (error) => this.failures.unexpected(`the consumer of ${queue}`, error),
    )
    this.#mayCrash(invocation)
  }

  /** Runs something in an invocation that nothing befalls. */
  background(kind: string, work: () => Promise<void>): void {
    const invocation = new Invocation(this.consumer(), kind, this.loop)
    invocation.deliver(() => invocation.run(work))
  }

  #mayCrash(invocation: Invocation): void {
    this.loop.after(MAX_WALL_MS, () => {
      if (invocation.isAlive) this.#ranOut(invocation, 'was not done after 15 minutes')
      invocation.end()
    })
    if (!this.random.chance(this.crashShare)) return
    this.loop.after(this.random.between(0, 400), () => {
      if (invocation.isAlive) this.trace(() => `${invocation.kind} in isolate ${invocation.host.id} crashes`)
      invocation.end()
    })
  }

  /** One of the consumer's isolates. */
  consumer(): Host {
    if (this.consumers.length < 2) {
      const host = this.#host(this.random.below(Network.locations))
      host.isolate = new Isolate({
        configs: withoutMemory(this.model.configs),
        settings: parseSettings(this.env),
        runtime: host.runtime,
        fence: this.options.fence,
        keepsFresh: false,
      })
      this.consumers.push(host)
    }
    return this.random.pick(this.consumers)
  }

  #host(location: number): Host {
    const { loop, random } = this
    const skewMs = random.between(-MAX_SKEW_MS, MAX_SKEW_MS)
    return new Host({ id: ++this.#hosts, location, skewMs, loop, random })
  }

  #invocation(host: Host, kind: string): Invocation {
    const invocation = new Invocation(host, kind, this.loop)
    invocation.onRanOut = () => this.#ranOut(invocation, 'was not done 30 s after its answer')
    invocation.fate = () => this.#fate()
    invocation.beganFrozen = host.frozenUntil > this.loop.now
    host.invocations.add(invocation)
    this.verdicts.checked.P6++
    return invocation
  }

  #ranOut({ kind, hung, wasFrozen, beganFrozen }: Invocation, what: string): void {
    // In a frozen isolate nothing ends, and what is never answered keeps its invocation.
    if (hung === 0 && !wasFrozen && !beganFrozen && !this.options.isDesign)
      this.verdicts.violate('P6', this.loop.now - START, `${kind} ${what}`)
  }

  #fate(): { dies: 'before' | 'after' | null; busyMs: number } {
    const { random } = this
    const dies = !random.chance(this.answerCrashShare) ? null : random.chance(0.5) ? 'before' : 'after'
    return { dies, busyMs: random.chance(this.busyShare) ? random.between(1, this.busyMs) : 0 }
  }

  #warmOnStartup(host: Host, io: RequestIo): void {
    if (host.isolate === null) return
    io.waitUntil(this.pipeline.warmer.warmOnStartup(host.isolate, io).catch(() => 0))
  }
}

/** Freshet as requests use it. */
export function freshetFront(_world: World, host: Host, io: RequestIo): Front {
  const cache = new CacheService(isolateOf(host), io)
  return {
    cache,
    async read(key, options) {
      const { source, style, path } = key
      if (style === 'blob') return cache.getWithSource(path, options)
      if (style === 'source') return cache.read(source, options)
      const { statements, decode } = source.load(cache.db)
      const load = async () => {
        // Three queries, so that writes fall between them.
        await cache.db.batch([cache.db.prepare('SELECT 1')])
        const value = decode(await cache.db.batch(statements))
        await cache.db.batch([cache.db.prepare('SELECT 2')])
        return value
      }
      return cache.getOrSet(path, load, options)
    },
    write: async (changes) => (await cache.write(changes)).bookmark,
    writeAndRead: async (changes, source) => (await cache.writeAndRead(changes, source)).write.bookmark,
  }
}
