import {
  CacheService,
  CacheWarmer,
  type FenceLimits,
  Isolate,
  type MessageQueue,
  parseSettings,
  StatsFlusher,
} from '@freshet/cache-core'
import { createConsumer } from '@freshet/cache-core/pipeline'
import {
  CACHE_CONFIGS,
  CollectionRepository,
  ContentRepository,
  mustGo,
  patternsOf,
  resources,
  warmPlans,
} from '@freshet/cms'
import type { Meter } from '../meter.ts'
import { VirtualQueue, type VirtualQueueOptions } from '../virtual-queue.ts'
import { idOf, type MakeSystem, type Site, type System } from './site.ts'

/** As in wrangler.jsonc. */
const QUEUES = {
  'cache-events': { batchSize: 100, timeoutMs: 1_000, concurrency: 4, maxRetries: 100 },
  'cache-warm-high': { batchSize: 100, timeoutMs: 1_000, concurrency: 4, maxRetries: 5 },
  'cache-warm-low': { batchSize: 100, timeoutMs: 5_000, concurrency: 2, maxRetries: 5 },
  'cache-stats': { batchSize: 100, timeoutMs: 30_000, concurrency: 1, maxRetries: 2 },
} as const satisfies Record<string, VirtualQueueOptions>
type QueueName = keyof typeof QUEUES

const MINUTE_MS = 60_000

/** All of Freshet as the two Workers wire it: isolates, queues, consumer, cron, statistics. */
export const freshet: MakeSystem = freshetWith({})

/** The same with fences that keep more or less. */
export function freshetWith(fence: FenceLimits): MakeSystem {
  return (site, isolates) => systemOf(site, isolates, fence)
}

function systemOf(site: Site, isolates: number, fence: FenceLimits): System {
  const { clock, db, kv, meter } = site
  const settings = parseSettings({})
  const queues = {} as Record<QueueName, MessageQueue>
  const consumer = createConsumer<object>({
    configs: CACHE_CONFIGS,
    resources,
    patternsOf,
    mustGo,
    plans: (cache) =>
      warmPlans(async () => {
        const collections = (await new CollectionRepository(cache).findAll()).value()
        return collections?.data.map(({ id }) => id) ?? []
      }),
    bindings: () => ({
      db,
      kv,
      events: queues['cache-events'],
      warm: { high: queues['cache-warm-high'], low: queues['cache-warm-low'] },
    }),
    report: () => {},
    runtime: clock,
  })
  const waitUntil = (promise: Promise<unknown>) => void promise.catch(() => {})
  for (const name of Object.keys(QUEUES) as QueueName[]) {
    const queue = new VirtualQueue(clock, QUEUES[name], (messages) =>
      consumer.queue({ queue: name, messages }, {}, { waitUntil }),
    )
    queues[name] = metered(queue, meter)
  }
  const cron = () => {
    void consumer.scheduled({ scheduledTime: clock.now() }, {}, { waitUntil })
    clock.setTimeout(cron, MINUTE_MS)
  }
  clock.setTimeout(cron, MINUTE_MS)

  const warmer = new CacheWarmer(
    resources,
    warmPlans(async () => []),
  )
  const made = Array.from({ length: isolates }, () => {
    const isolate = new Isolate({ configs: CACHE_CONFIGS, settings, runtime: clock, fence })
    const cache = new CacheService(isolate, { db, kv, events: queues['cache-events'], waitUntil })
    return {
      isolate,
      content: new ContentRepository(cache, db, clock),
      flusher: new StatsFlusher(isolate),
      isNew: true,
    }
  })
  const at = (place: number) => {
    const one = made[place % made.length]
    if (one === undefined) throw new RangeError('a site needs an isolate')
    if (one.isNew)
      waitUntil(warmer.warmOnStartup(one.isolate, { db, kv, events: null, waitUntil }).catch(() => 0))
    one.isNew = false
    return one
  }
  return {
    async read(place, key) {
      const { content, flusher } = at(place)
      const title = (await content.findById(idOf(key))).value()?.title ?? null
      flusher.after(queues['cache-stats'], waitUntil)
      return title
    },
    async write(place, key, title) {
      const { content, flusher } = at(place)
      await content.update(idOf(key), { title })
      flusher.after(queues['cache-stats'], waitUntil)
    },
  }
}

/** Each message is written, read and deleted. */
function metered(queue: VirtualQueue, meter: Meter): MessageQueue {
  return {
    send: (body, options) => {
      meter.operations.queueOperations += 3
      return queue.send(body, options)
    },
    sendBatch: async (messages) => {
      const all = [...messages]
      meter.operations.queueOperations += 3 * all.length
      await queue.sendBatch(all)
    },
  }
}
