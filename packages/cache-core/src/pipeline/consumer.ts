import { Isolate } from '../isolate.ts'
import { type CacheConfigs, cachePolicy, withoutMemory } from '../policy.ts'
import {
  type Database,
  type KeyValueStore,
  type MessageQueue,
  type Runtime,
  systemRuntime,
  type WaitUntil,
} from '../ports.ts'
import { CacheService } from '../service.ts'
import { parseSettings } from '../settings.ts'
import type { Recipe, ResourceTable } from '../source.ts'
import { askForChecks, checkServed } from '../verify/delayed.ts'
import { CacheWarmer, type WarmEvent, type WarmPlans, type WarmQueues } from '../warmer.ts'
import { alertOnHealth, type CallWebhook } from './alerts.ts'
import { backlogOf } from './backlog.ts'
import { Budget } from './budget.ts'
import type { EventPlan } from './coalesce.ts'
import { handleDeadLetters } from './dead-letters.ts'
import { handleEvents } from './events.ts'
import { type PipelineReport, type QueueMessage, queueKind } from './queue.ts'
import { replay } from './replay.ts'
import { runSchedule } from './schedule.ts'
import { handleStats } from './stats.ts'
import { checkRecipe, handleWarm } from './warm.ts'
import { warmNamed, warmOnSchedule } from './warm-schedule.ts'

/** A Worker's bindings, by what the pipeline needs them for. */
export interface ConsumerBindings {
  db: Database
  kv: KeyValueStore
  events: MessageQueue
  /** The two lanes of warm jobs; one queue may be both. */
  warm: WarmQueues
}

/** What makes the pipeline one of a certain content model. */
export interface ConsumerOptions<Env> {
  configs: CacheConfigs
  resources: ResourceTable
  bindings(env: Env): ConsumerBindings
  /** What an outside producer's event invalidates. Throws for a type or payload that it does not know. */
  patternsOf(type: string, payload: unknown): readonly string[]
  /**
   * Which of an event's patterns name what must not stay in KV, as after a deletion. Default: none. What the library's own
   * `clear` and hard `invalidate` cover goes in any case.
   */
  mustGo?(event: { type: string; payload: unknown; patterns: readonly string[] }): readonly string[]
  /** What to warm, and when; may read the content model to say so. */
  plans(cache: CacheService): WarmPlans
  /** Default: a line of JSON on the console for each step. */
  report?: PipelineReport
  /** How `ALERT_WEBHOOK_URL` is called. Default: `fetch`. */
  callWebhook?: CallWebhook
  /** Clock, timers and randomness. Default: the platform's. */
  runtime?: Runtime
}

/** The handlers of a consumer Worker; `queueKind` says which queue is what. */
export function createConsumer<Env extends object>(options: ConsumerOptions<Env>) {
  const { configs, resources, patternsOf, bindings } = options
  const write: PipelineReport = options.report ?? ((record) => console.log(JSON.stringify(record)))
  const callWebhook: CallWebhook = options.callWebhook ?? ((url, init) => fetch(url, init))
  const runtime = options.runtime ?? systemRuntime
  let made: Isolate | undefined

  /** Keeps nothing in memory: what it loads is for KV, and for other isolates. Made by the first batch. */
  function isolateFor(env: Env): Isolate {
    made ??= new Isolate({
      configs: withoutMemory(configs),
      settings: parseSettings(env),
      runtime,
      keepsFresh: false,
    })
    return made
  }

  /** Each line says which invocation it is of: those of a batch belong together. */
  function reportOf(source: string): PipelineReport {
    const batch = runtime.uuid()
    return ({ step, ...record }) => write({ step, source, batch, ...record })
  }

  function plansFor(env: Env, waitUntil: WaitUntil, report: PipelineReport): WarmPlans {
    const { db, kv } = bindings(env)
    const plans = options.plans(new CacheService(isolateFor(env), { db, kv, events: null, waitUntil }))
    return { ...plans, forEvent: (type, payload) => planOf(plans, type, payload, report) }
  }

  /** An event that the plans cannot read warms nothing: it must not hold back the others of its batch. */
  function planOf(plans: WarmPlans, type: string, payload: unknown, report: PipelineReport): EventPlan {
    try {
      return plans.forEvent(type, payload)
    } catch (error) {
      report({ step: 'no warm plan', type, error: String(error) })
      return { jobs: [], gone: [] }
    }
  }

  function mustGo(event: { type: string; payload: unknown; patterns: readonly string[] }): readonly string[] {
    return isHard(event) ? event.patterns : (options.mustGo?.(event) ?? [])
  }

  /** @param isSlow whether D1 shows that it has more to do than it can */
  function warmUp(
    env: Env,
    ctx: { waitUntil: WaitUntil },
    report: PipelineReport,
    kind: Parameters<typeof warmOnSchedule>[1],
    isSlow: boolean,
  ): Promise<number> {
    const { db, warm: queues } = bindings(env)
    const isolate = isolateFor(env)
    const waitUntil: WaitUntil = (promise) => ctx.waitUntil(promise)
    const planned = () => new CacheWarmer(resources, plansFor(env, waitUntil, report)).planned()
    const isOverloaded = isSlow || isolate.sql.breaker.isOpen
    const isWarmable = (recipe: Recipe) => typeof checkRecipe(recipe, isolate, resources) !== 'string'
    return warmOnSchedule({ db, queues, planned, isWarmable, isOverloaded, now: runtime.now() }, kind)
  }

  /**
   * Has what events changed looked at again later. Nothing fails by it.
   * @param planned of each event, what it has warmed
   */
  async function follow(
    events: readonly WarmEvent[],
    planned: readonly EventPlan['jobs'][],
    env: Env,
    report: PipelineReport,
  ): Promise<void> {
    const { settings } = isolateFor(env)
    if (!settings.enabled || !settings.kvEnabled || settings.verifySample <= 0) return
    const changed = events.flatMap(({ id: eventId }, place) =>
      (planned[place] ?? []).slice(0, 1).map(({ recipe }) => ({ eventId, recipe })),
    )
    try {
      await askForChecks(changed, settings.verifySample, bindings(env).events, runtime)
    } catch (error) {
      report({ step: 'no checks', error: String(error) })
    }
  }

  return {
    async queue(
      { queue, messages }: { queue: string; messages: readonly QueueMessage[] },
      env: Env,
      ctx: { waitUntil: WaitUntil },
    ): Promise<void> {
      const own = bindings(env)
      const report = reportOf(queue)
      const kind = queueKind(queue)
      if (kind === 'dead letters')
        return handleDeadLetters(queue, messages, { db: own.db, now: runtime.now, patternsOf, report })
      if (kind === 'stats') return handleStats(messages, { db: own.db, runtime, report })
      const budget = new Budget(runtime)
      const db = budget.d1(own.db)
      const kv = budget.kv(own.kv)
      if (kind !== 'events') {
        const lane = kind === 'warm high' ? 'high' : 'low'
        const io = { db, kv, events: null }
        const isolate = isolateFor(env)
        return handleWarm(queue, messages, {
          lane,
          queue: own.warm[lane],
          isolate,
          io,
          resources,
          budget,
          report,
        })
      }
      const waitUntil: WaitUntil = (promise) => ctx.waitUntil(promise)
      await handleEvents(queue, messages, {
        db,
        kv,
        queue: own.events,
        runtime,
        configs,
        budget,
        warm: async (events: readonly WarmEvent[]) => {
          const warmer = new CacheWarmer(resources, plansFor(env, waitUntil, report))
          const planned = await warmer.warmOnEvents(events, own.warm, runtime.now())
          await follow(events, planned, env, report)
          return planned
        },
        patternsOf,
        mustGo,
        replay: (id) => replay(id, { db, events: own.events, warm: own.warm, now: runtime.now }),
        warmAll: () => warmUp(env, ctx, report, 'asked', false),
        warmRecipes: (recipes) => warmNamed(recipes, own.warm, runtime.now()),
        check: (check) => checkServed(check, isolateFor(env), { db, kv, events: null }, resources),
        report,
      })
    },

    async scheduled(
      { scheduledTime }: { scheduledTime: number },
      env: Env,
      ctx: { waitUntil: WaitUntil },
    ): Promise<void> {
      const { db, kv, events } = bindings(env)
      const isolate = isolateFor(env)
      const { settings } = isolate
      const report = reportOf('cron')
      const warm = (isFull: boolean, isSlow: boolean) =>
        warmUp(env, ctx, report, isFull ? 'full' : 'usual', isSlow)
      // Namespaces without a policy of their own have entries as well.
      const fallback = cachePolicy('', { ttl: settings.defaultTtl })
      const all = { ...configs, [fallback.namespace]: fallback }
      const { warmHourUtc, foldedPlaces, alertWebhookUrl: url } = settings
      let isAlerted = url === null
      const alert = async () => {
        isAlerted = true
        if (url === null) return 'nobody to tell'
        const isKvOpen = isolate.kvTier.breaker.isOpen
        return alertOnHealth({
          db,
          kv,
          url,
          isKvOpen,
          backlog: await backlogOf(events),
          call: callWebhook,
          runtime,
        })
      }
      const deps = { db, kv, events, configs: all, warmHourUtc, foldedPlaces, warm, alert, runtime, report }
      try {
        await runSchedule(scheduledTime, deps)
      } catch (error) {
        // Without D1 the run did not even begin, and that is what somebody has to be told of.
        if (!isAlerted) report({ step: 'alert', result: await alert().catch(String) })
        throw error
      }
    },
  }
}

/** What `clear` and a hard `invalidate` have logged. */
function isHard({ type, payload }: { type: string; payload: unknown }): boolean {
  if (!type.startsWith('cache.')) return false
  return typeof payload === 'object' && payload !== null && 'hard' in payload && payload.hard === true
}
