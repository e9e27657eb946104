import { readdirSync, readFileSync } from 'node:fs'
import { CacheService, Isolate, parseSettings } from '@freshet/cache-core'
import { createConsumer, type QueueMessage } from '@freshet/cache-core/pipeline'
import { CACHE_CONFIGS, ContentRepository, mustGo, patternsOf, resources, warmPlans } from '@freshet/cms'
import { ManualRuntime, MemoryKv, SqliteD1 } from '@freshet/test-support'
import type { Bench, Result } from '../bench.ts'
import { costOf, Meter, type Operations } from '../meter.ts'
import { seeded, shuffled } from '../random.ts'

const EVENTS = 10_000
const ENTITIES = 500
const HOT_ENTITIES = 20
const COLLECTION = 'posts'
/** Of the messages, this share comes twice. */
const DUPLICATES = 0.2

const MIGRATIONS = new URL('../../../../packages/cms/migrations/', import.meta.url)

/** Which entity each event is of, in the order of the commits. */
type Workload = (random: () => number) => number

const evenly: Workload = (random) => Math.floor(random() * ENTITIES)
const mostlyHot: Workload = (random) => Math.floor(random() * (random() < 0.8 ? HOT_ENTITIES : ENTITIES))

/** A site with its changes committed and logged; their messages wait in the queue. */
async function backlog(workload: Workload, random: () => number) {
  const d1 = new SqliteD1()
  for (const name of readdirSync(MIGRATIONS).sort()) d1.exec(readFileSync(new URL(name, MIGRATIONS), 'utf8'))
  d1.exec(`INSERT INTO collections (id, name, created_at) VALUES ('${COLLECTION}', 'Posts', 0)`)
  const messages: unknown[] = []
  const events = {
    send: async (body: unknown) => void messages.push(body),
    sendBatch: async (batch: Iterable<{ body: unknown }>) => {
      for (const { body } of batch) messages.push(body)
    },
  }
  // Times and ids are the same in each run, so that states can be compared.
  const runtime = new ManualRuntime(1_800_000_000_000)
  const settings = parseSettings({})
  const isolate = new Isolate({ configs: CACHE_CONFIGS, settings, runtime, keepsFresh: false })
  const cache = new CacheService(isolate, { db: d1, kv: null, events, waitUntil: () => {} })
  const content = new ContentRepository(cache, d1, runtime)
  const ids: string[] = []
  for (let i = 0; i < ENTITIES; i++) {
    const input = {
      collection: COLLECTION,
      slug: `post-${i}`,
      title: `Post ${i}`,
      data: {},
      authorId: null,
      featuredMediaId: null,
    }
    const { value } = await content.create({ ...input, status: 'published' as const })
    if (value === null) throw new Error('a post was not created')
    ids.push(value.id)
  }
  d1.exec('UPDATE invalidation_log SET processed_at = 0')
  messages.length = 0
  for (let i = 0; i < EVENTS; i++) {
    await content.update(ids[workload(random)] ?? '', { title: `Title ${i}` })
  }
  return { d1, messages }
}

/** What a consumer leaves behind: every name in KV with its value, and which events are processed. */
function stateOf(d1: SqliteD1, kv: MemoryKv): string {
  const values = [...kv.entries].map(([name, { value }]) => [name, value.slice(value.indexOf('\n') + 1)])
  const open = d1.one('SELECT count(*) AS n FROM invalidation_log WHERE processed_at IS NULL')
  const letters = d1.one('SELECT count(*) AS n FROM dead_letters')
  return JSON.stringify([values.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)), open, letters])
}

/** Feeds a consumer its messages in batches of one size, and its warm jobs in batches of the same. */
async function consume(d1: SqliteD1, messages: readonly unknown[], batchSize: number) {
  const meter = new Meter()
  const kv = new MemoryKv()
  const jobs: unknown[] = []
  const queue = (kept: unknown[]) => ({
    send: async (body: unknown) => {
      meter.operations.queueOperations += 3
      kept.push(body)
    },
    sendBatch: async (batch: Iterable<{ body: unknown }>) => {
      for (const { body } of batch) {
        meter.operations.queueOperations += 3
        kept.push(body)
      }
    },
  })
  const again: unknown[] = []
  const consumer = createConsumer<object>({
    configs: CACHE_CONFIGS,
    resources,
    patternsOf,
    mustGo,
    plans: () => warmPlans(async () => []),
    bindings: () => ({
      db: meter.d1(d1),
      kv: meter.kv(kv),
      events: queue(again),
      warm: { high: queue(jobs), low: queue(jobs) },
    }),
    report: () => {},
  })
  let ids = 0
  const deliver = async (name: string, bodies: readonly unknown[]) => {
    const waiting: Promise<unknown>[] = []
    const batch = bodies.map(
      (body): QueueMessage => ({
        id: String(ids++),
        body,
        attempts: 1,
        ack: () => {},
        retry: () => {
          throw new Error('nothing fails in this bench')
        },
      }),
    )
    await consumer.queue({ queue: name, messages: batch }, {}, { waitUntil: (one) => waiting.push(one) })
    await Promise.all(waiting)
  }
  // Both queues are served in turn, as their consumers run side by side.
  let at = 0
  while (at < messages.length || jobs.length > 0) {
    if (at < messages.length) await deliver('cache-events', messages.slice(at, at + batchSize))
    at += batchSize
    while (jobs.length >= batchSize || (at >= messages.length && jobs.length > 0))
      await deliver('cache-warm-high', jobs.splice(0, batchSize))
  }
  return { operations: meter.operations, state: stateOf(d1, kv) }
}

/** The same backlog, each time from its beginning. */
async function runOn(workload: Workload, order: (messages: unknown[]) => unknown[], batchSize: number) {
  const { d1, messages } = await backlog(workload, seeded(1))
  return consume(d1, order(messages), batchSize)
}

function repeated(messages: readonly unknown[]): unknown[] {
  return [...messages, ...messages.slice(0, messages.length * DUPLICATES)]
}

const perEvent = (n: number) => n / EVENTS
const kvOperations = ({ kvReads, kvWrites, kvDeletes, kvLists }: Operations) =>
  kvReads + kvWrites + kvDeletes + kvLists

/** @param leastSaved how many times fewer operations it must be, or something is broken */
async function compare(
  name: string,
  workload: Workload,
  leastSaved: number,
): Promise<Omit<Result, 'bench'>[]> {
  const shuffle = (messages: unknown[]) => shuffled(repeated(messages), seeded(2))
  const single = await runOn(workload, shuffle, 1)
  const ours = await runOn(workload, shuffle, 100)
  const inOrder = await runOn(workload, (messages) => messages, 100)
  if (ours.state !== inOrder.state || single.state !== inOrder.state)
    throw new Error(`${name}: shuffled and repeated messages led to another state than those in order`)
  const saved = (of: (operations: Operations) => number) => of(single.operations) / of(ours.operations)
  if (saved((one) => kvOperations(one) + one.d1Queries) < leastSaved)
    throw new Error(`${name}: coalescing saves less than ${leastSaved} times the operations`)
  const metrics: [string, (operations: Operations) => number][] = [
    ['KV operations per event', (one) => perEvent(kvOperations(one))],
    ['D1 queries per event', (one) => perEvent(one.d1Queries)],
    ['KV and D1 operations per event', (one) => perEvent(kvOperations(one) + one.d1Queries)],
    ['$ per million events', (one) => perEvent(costOf(one)) * 1e6],
  ]
  return metrics.flatMap(([metric, of]) => [
    { system: `${name}, one by one`, metric, value: of(single.operations), ratio: null },
    {
      system: `${name}, coalesced`,
      metric,
      value: of(ours.operations),
      ratio: of(single.operations) / of(ours.operations),
    },
  ])
}

export const coalescing: Bench = {
  name: 'coalescing',
  about: `${EVENTS} events over ${ENTITIES} posts, shuffled, ${DUPLICATES * 100} % repeated: batches of 100 against batches of one. The state at the end equals that of the run in order.`,
  run: async () => [
    ...(await compare('even', evenly, 3)),
    ...(await compare(`80 % on ${HOT_ENTITIES} posts`, mostlyHot, 20)),
  ],
}
