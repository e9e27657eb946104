import { readdirSync, readFileSync } from 'node:fs'
import {
  type CacheConfigs,
  cachePolicy,
  defineResource,
  Isolate,
  parseSettings,
  withoutMemory,
} from '@freshet/cache-core'
import { Budget, handleWarm, type Lane, type WarmJob, warmMessages } from '@freshet/cache-core/pipeline'
import { ManualRuntime, MemoryKv, SqliteD1 } from '@freshet/test-support'
import * as v from 'valibot'
import type { Bench, Result } from '../bench.ts'
import { seeded } from '../random.ts'
import { median } from '../rounds.ts'
import { VirtualQueue } from '../virtual-queue.ts'

const KEYS = 5_000
const FAILING = 0.01
const SLOW = 0.05
/** What D1 does one query after the other for, and what an answer takes on its way. */
const D1_MS = 2
const NETWORK_MS = 20
const SLOW_MS = 1_500
/** Publishes come this often, one job each. */
const PUBLISH_EVERY_MS = 500
const PUBLISHES = 240
/** As in wrangler.jsonc. */
const HIGH = { batchSize: 100, timeoutMs: 1_000, concurrency: 4, maxRetries: 5 }
const LOW = { batchSize: 100, timeoutMs: 5_000, concurrency: 2, maxRetries: 5 }
/** Jobs under way in one invocation. */
const MOST_IN_FLIGHT = 3

const MIGRATIONS = new URL('../../../../packages/cache-core/migrations/', import.meta.url)

const Item = v.object({ id: v.string() })

/** An item whose load is told of, slow or failing: once a query has begun, D1 alone decides. */
function itemsOf(onLoad: (id: string) => void) {
  return defineResource<{ id: string }, v.InferOutput<typeof Item>>({
    name: 'item',
    namespace: 'content',
    parseParams: (input) => v.parse(v.strictObject({ id: v.string() }), input),
    key: ({ id }) => ({ entity: 'item', id }),
    tags: () => [],
    load: (db, { id }) => {
      onLoad(id)
      return {
        statements: [
          db.prepare(id.endsWith('failing') ? 'SELECT nothing FROM nowhere' : 'SELECT ? AS id').bind(id),
        ],
        decode: ([result]) => v.parse(v.array(Item), result?.results)[0] ?? null,
      }
    },
    parse: (json) => v.parse(Item, json),
  })
}

/** One world in virtual time: D1 with one thread, KV, and the two lanes. */
function stage() {
  const clock = new ManualRuntime()
  const random = seeded(3)
  const d1 = new SqliteD1()
  for (const name of readdirSync(MIGRATIONS).sort()) d1.exec(readFileSync(new URL(name, MIGRATIONS), 'utf8'))
  let freeAt = 0
  d1.before = (statements) => {
    // One query after the other; an isolate also waits for the way there and back.
    freeAt = Math.max(freeAt, clock.time) + D1_MS * statements.length
    const isSlow = statements.some(({ values }) => String(values[0]).endsWith('slow'))
    const ms = freeAt - clock.time + (isSlow ? SLOW_MS : NETWORK_MS)
    return new Promise((resolve) => clock.setTimeout(resolve, ms))
  }
  const kv = new MemoryKv(clock.now)
  kv.before = () => new Promise((resolve) => clock.setTimeout(resolve, NETWORK_MS))
  const configs: CacheConfigs = { content: cachePolicy('content', { visibility: 'public' }) }
  const loads = new Map<string, number>()
  const started: { lane: Lane; priority: number; batch: number }[] = []
  const waits: Record<Lane, number[]> = { high: [], low: [] }
  const outcomes = new Map<string, number>()
  let batches = 0
  let inFlight = 0
  let most = 0

  function laneOf(lane: Lane): VirtualQueue {
    const isolate = new Isolate({
      configs: withoutMemory(configs),
      settings: parseSettings({}),
      runtime: clock,
      keepsFresh: false,
    })
    const queue: VirtualQueue = new VirtualQueue(clock, lane === 'high' ? HIGH : LOW, async (messages) => {
      const batch = ++batches
      const priorityOf = new Map<string, number>()
      for (const { body } of messages) {
        const { recipe, priority } = v.parse(JobBody, body)
        priorityOf.set(recipe.params.id, Math.min(priority, priorityOf.get(recipe.params.id) ?? 9))
      }
      const running = new Set<string>()
      const items = itemsOf((id) => {
        loads.set(id, (loads.get(id) ?? 0) + 1)
        started.push({ lane, batch, priority: priorityOf.get(id) ?? 9 })
        running.add(id)
        inFlight = running.size
        most = Math.max(most, inFlight)
      })
      const budget = new Budget(clock)
      await handleWarm(`cache-warm-${lane}`, messages, {
        lane,
        queue,
        isolate,
        io: { db: budget.d1(d1), kv: budget.kv(kv), events: null },
        resources: { item: items },
        budget,
        report: ({ step, outcome, recipe, waitMs }) => {
          if (step !== 'warm job') return
          running.delete(v.parse(Recipe, recipe).params.id)
          outcomes.set(String(outcome), (outcomes.get(String(outcome)) ?? 0) + 1)
          waits[lane].push(Number(waitMs))
        },
      })
    })
    return queue
  }
  const lanes = { high: laneOf('high'), low: laneOf('low') }
  return { clock, random, d1, kv, loads, started, waits, outcomes, lanes, most: () => most }
}

const Recipe = v.object({ params: v.object({ id: v.string() }) })
const JobBody = v.object({ recipe: Recipe, priority: v.number() })

function jobOf(id: string, priority: number, bornAt: number, benefit = 0): WarmJob {
  return { recipe: { resource: 'item', params: { id } }, priority, reason: 'bench', bornAt, benefit }
}

/** Publishes for two minutes of virtual time, with or without a backlog in the low lane, and waits until all is done. */
async function run(backlog: number) {
  const world = stage()
  const { clock, lanes, random } = world
  const jobs = Array.from({ length: backlog }, (_, i) => {
    const roll = random()
    const kind = roll < FAILING ? '-failing' : roll < FAILING + SLOW ? '-slow' : ''
    return jobOf(`${i}${kind}`, 5 + Math.floor(random() * 4), clock.now(), Math.floor(random() * 100))
  })
  // Each twice, in messages of their own: as two events ask for the same.
  for (const messages of [...warmMessages(jobs), ...warmMessages(jobs.slice(0, backlog / 10))]) {
    for (const { body } of messages) await lanes.low.send(body)
  }
  for (let i = 0; i < PUBLISHES; i++) {
    const [[message] = []] = warmMessages([jobOf(`published-${i}`, 1, clock.now())])
    await lanes.high.send(message?.body)
    await clock.advance(PUBLISH_EVERY_MS)
  }
  while (!lanes.high.isIdle || !lanes.low.isIdle) await clock.advance(1_000)
  return { ...world, jobs }
}

/** Jobs among messages, of which some come twice. */
function distinct(bodies: readonly unknown[]): number {
  return new Set(bodies.map((body) => v.parse(JobBody, body).recipe.params.id)).size
}

/** Batches in which a job began before one that is more urgent. */
function inversions(started: readonly { batch: number; priority: number }[]): number {
  const highest = new Map<number, number>()
  let count = 0
  for (const { batch, priority } of started) {
    if (priority < (highest.get(batch) ?? 0)) count++
    highest.set(batch, Math.max(priority, highest.get(batch) ?? 0))
  }
  return count
}

export const warming: Bench = {
  name: 'warming',
  about: `${KEYS} jobs in the low lane, ${FAILING * 100} % of them failing and ${SLOW * 100} % slow, while publishes warm through the high lane (virtual time, one D1 thread)`,
  run: async () => {
    const alone = await run(0)
    const beside = await run(KEYS)
    const { jobs, loads, outcomes, started, kv, lanes, most } = beside
    const failing = jobs.filter(({ recipe }) => String(recipe.params.id).endsWith('failing'))
    const healthy = jobs.filter((job) => !failing.includes(job))
    const waits = [alone, beside].map((one) => median(one.waits.high)) as [number, number]
    const repeated = healthy.filter(({ recipe }) => (loads.get(String(recipe.params.id)) ?? 0) > 1).length
    const checks: [boolean, string][] = [
      [repeated === 0, `${repeated} keys were loaded twice`],
      [kv.entries.size === healthy.length + PUBLISHES, 'a key that can be loaded is not in KV'],
      [distinct(lanes.low.dead) === failing.length, 'a failing job is not in the dead letters'],
      [inversions(started) === 0, 'a job began before a more urgent one of its batch'],
      [most() <= MOST_IN_FLIGHT, `${most()} jobs were under way at once`],
      [waits[1] < 1.1 * waits[0], 'a backlog in the low lane delays publishes'],
    ]
    for (const [isRight, problem] of checks) if (!isRight) throw new Error(problem)
    const results: [string, string, number, number | null][] = [
      ['no backlog', 'median wait of a publish, ms', waits[0], null],
      [`${KEYS} jobs in the low lane`, 'median wait of a publish, ms', waits[1], waits[0] / waits[1]],
      ['both lanes', 'keys in KV of those that can be loaded', kv.entries.size, null],
      ['both lanes', 'loads of a key that was loaded already', repeated, null],
      ['both lanes', 'failing jobs', failing.length, null],
      ['both lanes', 'failing jobs in the dead letters', distinct(lanes.low.dead), null],
      ['both lanes', 'attempts that failed', outcomes.get('failed') ?? 0, null],
      ['both lanes', 'priority inversions within a batch', inversions(started), null],
      [`limit ${MOST_IN_FLIGHT}`, 'most jobs under way in one batch', most(), null],
    ]
    return results.map(
      ([system, metric, value, ratio]): Omit<Result, 'bench'> => ({
        system,
        metric,
        value,
        ratio,
      }),
    )
  },
}
