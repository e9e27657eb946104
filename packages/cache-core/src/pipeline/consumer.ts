import { Isolate } from '../isolate.ts'
import { type CacheConfigs, cachePolicy, withoutMemory } from '../policy.ts'
import {
  type Database,
  type KeyValueStore,
  type MessageQueue,
  systemRuntime,
  type WaitUntil,
} from '../ports.ts'
import { CacheService } from '../service.ts'
import { parseSettings } from '../settings.ts'
import type { ResourceTable } from '../source.ts'
import { CacheWarmer, type WarmEvent, type WarmPlans } from '../warmer.ts'
import { handleDeadLetters } from './dead-letters.ts'
import { handleEvents } from './events.ts'
import type { PipelineReport, QueueMessage } from './queue.ts'
import { runSchedule } from './schedule.ts'
import { handleWarm } from './warm.ts'
import type { WarmJob } from './warm-job.ts'

/** A Worker's bindings, by what the pipeline needs them for. */
export interface ConsumerBindings {
  db: Database
  kv: KeyValueStore
  events: MessageQueue
  warm: MessageQueue
}

/** What makes the pipeline one of a certain content model. */
export interface ConsumerOptions<Env> {
  configs: CacheConfigs
  resources: ResourceTable
  bindings(env: Env): ConsumerBindings
  /** What an outside producer's event invalidates. Throws for a type or payload that it does not know. */
  patternsOf(type: string, payload: unknown): readonly string[]
  /** What to warm, and when; may read the content model to say so. */
  plans(cache: CacheService): WarmPlans
  /** Default: a line of JSON on the console for each step. */
  report?: PipelineReport
}

/**
 * The handlers of a consumer Worker. A queue's name says what is in it: warm jobs where it has `warm` in it, messages that
 * nothing could help where it has `dead`, otherwise events.
 */
export function createConsumer<Env extends object>(options: ConsumerOptions<Env>) {
  const { configs, resources, patternsOf, bindings } = options
  const report: PipelineReport = options.report ?? ((record) => console.log(JSON.stringify(record)))
  const runtime = systemRuntime
  let made: Isolate | undefined

  /** Keeps nothing in memory: what it loads is for KV, and for other isolates. Made by the first batch. */
  function isolateFor(env: Env): Isolate {
    made ??= new Isolate({ configs: withoutMemory(configs), settings: parseSettings(env), keepsFresh: false })
    return made
  }

  function warmerFor(env: Env, waitUntil: WaitUntil): CacheWarmer {
    const { db, kv } = bindings(env)
    const plans = options.plans(new CacheService(isolateFor(env), { db, kv, events: null, waitUntil }))
    return new CacheWarmer(resources, { ...plans, forEvent: (type, payload) => jobsOf(plans, type, payload) })
  }

  /** An event that the plans cannot read warms nothing: it must not hold back the others of its batch. */
  function jobsOf(plans: WarmPlans, type: string, payload: unknown): readonly WarmJob[] {
    try {
      return plans.forEvent(type, payload)
    } catch (error) {
      report({ step: 'no warm plan', type, error: String(error) })
      return []
    }
  }

  return {
    async queue(
      { queue, messages }: { queue: string; messages: readonly QueueMessage[] },
      env: Env,
      ctx: { waitUntil: WaitUntil },
    ): Promise<void> {
      const { db, kv, warm: warmQueue } = bindings(env)
      if (queue.includes('dead')) return handleDeadLetters(queue, messages, { db, now: runtime.now })
      if (queue.includes('warm')) {
        const io = { db, kv, events: null }
        return handleWarm(queue, messages, { isolate: isolateFor(env), io, resources, report })
      }
      const waitUntil: WaitUntil = (promise) => ctx.waitUntil(promise)
      const warm = (events: readonly WarmEvent[]) => warmerFor(env, waitUntil).warmOnEvents(events, warmQueue)
      await handleEvents(queue, messages, { db, runtime, warm, patternsOf, report })
    },

    async scheduled(
      { scheduledTime }: { scheduledTime: number },
      env: Env,
      ctx: { waitUntil: WaitUntil },
    ): Promise<void> {
      const { db, kv, events, warm: warmQueue } = bindings(env)
      const waitUntil: WaitUntil = (promise) => ctx.waitUntil(promise)
      const warm = () => warmerFor(env, waitUntil).scheduledWarm(warmQueue)
      // Namespaces without a policy of their own have entries as well.
      const fallback = cachePolicy('', { ttl: isolateFor(env).settings.defaultTtl })
      const all = { ...configs, [fallback.namespace]: fallback }
      await runSchedule(scheduledTime, { db, kv, events, configs: all, warm, now: runtime.now, report })
    },
  }
}
