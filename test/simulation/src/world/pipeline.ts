import {
  type CacheConfigs,
  CacheWarmer,
  type Database,
  type Isolate,
  type MessageQueue,
  type WarmQueues,
} from '@freshet/cache-core'
import {
  Budget,
  handleDeadLetters,
  handleEvents,
  handleWarm,
  type Lane,
  type QueueMessage,
  runSchedule,
  warmOnSchedule,
} from '@freshet/cache-core/pipeline'
import type { Model } from '../model/model.ts'
import type { Host } from './host.ts'
import type { World } from './world.ts'

/** So small that sweeps go on in messages of their own. */
const EVENTS_BUDGET = { kv: 25, d1: 900, ms: 5 * 60_000 }

const report = () => {}

/** Where a batch of events has its effects. */
export interface EventPorts {
  db: Database
  /** The events' own queue: what is left of a sweep goes back to it. */
  queue: MessageQueue
  warm: WarmQueues
}

/** The consumer Worker: wires the pipeline's parts to the world's bindings, as the real one does to its own. */
export class Pipeline {
  readonly warmer: CacheWarmer
  readonly #world: World
  readonly #pruneConfigs: CacheConfigs

  constructor(world: World) {
    this.#world = world
    const { model, options } = world
    this.#pruneConfigs = prunedBy(model.configs, options.pruneTtl)
    this.warmer = warmerOf(model)
  }

  get #lanes(): WarmQueues {
    const { warm, warmLow } = this.#world
    return { high: warm.producer, low: warmLow.producer }
  }

  /** One run of the cron trigger. */
  schedule(scheduledAt: number, { isolate, runtime }: Host): Promise<void> {
    const { d1, kv, events } = this.#world
    const { database: db } = d1
    const isOverloaded = isolate?.sql.breaker.isOpen ?? false
    return runSchedule(scheduledAt, {
      db,
      kv: kv.namespace,
      events: events.producer,
      configs: this.#pruneConfigs,
      warmHourUtc: null,
      // Not those of the isolates.
      foldedPlaces: 128,
      warm: (isFull) =>
        warmOnSchedule(
          {
            db,
            queues: this.#lanes,
            planned: () => this.warmer.planned(),
            isWarmable: () => true,
            isOverloaded,
            now: runtime.now(),
          },
          isFull ? 'full' : 'usual',
        ),
      runtime,
      report,
    })
  }

  /** One batch of a queue. */
  async consume(name: string, messages: readonly QueueMessage[], host: Host): Promise<void> {
    const { d1, events, warm, warmLow } = this.#world
    const { database: db } = d1
    if (name === events.options.name)
      return this.events(messages, host, { db, queue: events.producer, warm: this.#lanes })
    if (name === warm.options.name) return this.#warm(name, messages, host, 'high')
    if (name === warmLow.options.name) return this.#warm(name, messages, host, 'low')
    return handleDeadLetters(name, messages, {
      db,
      now: host.runtime.now,
      patternsOf: this.#world.model.patternsOf,
      report,
    })
  }

  /** One batch of events, over any database and any queues. */
  events(messages: readonly QueueMessage[], { runtime }: Host, ports: EventPorts): Promise<void> {
    const { events, model, kv } = this.#world
    const { patternsOf, mustGo, configs } = model
    const budget = new Budget(runtime, EVENTS_BUDGET)
    return handleEvents(events.options.name, messages, {
      db: budget.d1(ports.db),
      kv: budget.kv(kv.namespace),
      queue: ports.queue,
      runtime,
      configs,
      budget,
      warm: (happened) => this.warmer.warmOnEvents(happened, ports.warm, runtime.now()),
      patternsOf,
      mustGo,
      replay: async () => 'nobody asks for that here',
      warmAll: async () => 0,
      warmRecipes: async () => 0,
      check: async () => ({}),
      report,
    })
  }

  #warm(name: string, messages: readonly QueueMessage[], host: Host, lane: Lane): Promise<void> {
    const { d1, kv, model, audit } = this.#world
    const budget = new Budget(host.runtime)
    return handleWarm(name, messages, {
      lane,
      queue: this.#lanes[lane],
      isolate: isolateOf(host),
      io: { db: budget.d1(d1.database), kv: budget.kv(kv.namespace), events: null },
      resources: model.resources,
      budget,
      report: audit.warmReport,
    })
  }
}

/** An isolate that runs Freshet. */
export function isolateOf({ isolate }: Host): Isolate {
  if (isolate === null) throw new Error('this isolate runs a known design')
  return isolate
}

function warmerOf({ planOf, scheduled, resources }: Model): CacheWarmer {
  return new CacheWarmer(resources, { startup: scheduled, forEvent: planOf, scheduled: () => scheduled })
}

/** The lifetimes that a consumer prunes by: those of another deploy, where a scenario says so. */
function prunedBy(configs: CacheConfigs, ttl: number | null): CacheConfigs {
  if (ttl === null) return configs
  const entries = Object.entries(configs)
  return Object.fromEntries(entries.map(([name, own]) => [name, { ...own, ttl, staleIfErrorSeconds: 0 }]))
}
