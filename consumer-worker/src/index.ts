import {
  CacheService,
  CacheWarmer,
  Isolate,
  parseSettings,
  systemRuntime,
  withoutMemory,
} from '@freshet/cache-core'
import {
  handleDeadLetters,
  handleEvents,
  handleWarm,
  type PipelineReport,
  runSchedule,
} from '@freshet/cache-core/pipeline'
import { CACHE_CONFIGS, CollectionRepository, patternsOf, resources, warmPlan, warmPlans } from '@freshet/cms'
import type { Env } from './env.ts'

/** Keeps nothing in memory: what it loads is for KV, and for other isolates. Made by the first batch. */
let isolate: Isolate | null = null

function isolateFor(env: Env): Isolate {
  isolate ??= new Isolate({ configs: withoutMemory(CACHE_CONFIGS), settings: parseSettings(env) })
  return isolate
}

const report: PipelineReport = (record) => console.log(JSON.stringify(record))

/** The pipeline's queues and cron: wiring, nothing more. */
export default {
  async queue(batch, env) {
    // Production's queues are named alike, with a suffix.
    const { queue, messages } = batch
    if (queue.startsWith('cache-events')) {
      const { DB: db, WARM_HIGH: warmQueue } = env
      await handleEvents(queue, messages, {
        db,
        runtime: systemRuntime,
        warmQueue,
        jobsFor: warmPlan,
        patternsOf,
        report,
      })
    } else if (queue.startsWith('cache-warm')) {
      const io = { db: env.DB, kv: env.CACHE, events: null }
      await handleWarm(queue, messages, { isolate: isolateFor(env), io, resources, report })
    } else {
      await handleDeadLetters(queue, messages, { db: env.DB, now: systemRuntime.now })
    }
  },

  async scheduled(controller, env, ctx) {
    const io = {
      db: env.DB,
      kv: env.CACHE,
      events: null,
      waitUntil: (promise: Promise<unknown>) => ctx.waitUntil(promise),
    }
    const warm = async () => {
      const collections = new CollectionRepository(new CacheService(isolateFor(env), io))
      const ids = (await collections.findAll()).value()?.data.map(({ id }) => id) ?? []
      return new CacheWarmer(isolateFor(env), io, resources, warmPlans(ids)).scheduledWarm(env.WARM_HIGH)
    }
    await runSchedule(controller.scheduledTime, {
      db: env.DB,
      kv: env.CACHE,
      events: env.EVENTS,
      configs: CACHE_CONFIGS,
      warm,
      now: systemRuntime.now,
      report,
    })
  },
} satisfies ExportedHandler<Env>
