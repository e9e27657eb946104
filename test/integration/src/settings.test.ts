import { resolve } from 'node:path'
import { parseSettings, SettingsError } from '@freshet/cache-core'
import { type QueueKind, queueKind } from '@freshet/cache-core/pipeline'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { experimental_readRawConfig, unstable_readConfig } from 'wrangler'

const Consumer = v.object({
  queue: v.string(),
  max_batch_size: v.number(),
  max_batch_timeout: v.number(),
  max_retries: v.number(),
  max_concurrency: v.nullish(v.number()),
  dead_letter_queue: v.optional(v.string()),
})
type Consumer = v.InferOutput<typeof Consumer>
const Config = v.object({
  name: v.string(),
  compatibility_date: v.string(),
  vars: v.record(v.string(), v.string()),
  kv_namespaces: v.array(
    v.object({ binding: v.string(), id: v.string(), preview_id: v.optional(v.string()) }),
  ),
  d1_databases: v.array(
    v.object({
      binding: v.string(),
      database_name: v.string(),
      database_id: v.string(),
      migrations_dir: v.string(),
    }),
  ),
  queues: v.object({
    producers: v.optional(v.array(v.object({ binding: v.string(), queue: v.string() })), []),
    consumers: v.optional(v.array(Consumer), []),
  }),
  triggers: v.object({ crons: v.optional(v.array(v.string()), []) }),
  observability: v.object({ enabled: v.boolean() }),
})

const pathOf = (worker: string) => resolve(import.meta.dirname, '../../..', worker, 'wrangler.jsonc')

function configOf(worker: string, environment: string | undefined) {
  return v.parse(
    Config,
    unstable_readConfig({ config: pathOf(worker), env: environment }, { hideWarnings: true }),
  )
}

/** Of one Worker, as its file has them. */
function environmentsOf(worker: string): string[] {
  const { rawConfig } = experimental_readRawConfig({ config: pathOf(worker) })
  return Object.keys(rawConfig.env ?? {})
}

const WORKERS = ['api-worker', 'consumer-worker']
const environments = [undefined, ...environmentsOf('api-worker')]

it('both Workers have the same environments', () => {
  expect(environmentsOf('consumer-worker')).toEqual(environmentsOf('api-worker'))
  expect(environments).toContain('production')
})

describe.each(environments)('the environment %s', (environment) => {
  const api = configOf('api-worker', environment)
  const consumer = configOf('consumer-worker', environment)
  const { consumers } = consumer.queues
  const producers = [...api.queues.producers, ...consumer.queues.producers]
  const only = (kind: QueueKind): Consumer => {
    const [one, ...more] = consumers.filter(({ queue }) => queueKind(queue) === kind)
    if (one === undefined || more.length > 0) throw new Error(`not one queue of ${kind}`)
    return one
  }

  it('has one queue for each thing that the code tells apart', () => {
    const kinds: QueueKind[] = ['events', 'warm high', 'warm low', 'stats', 'dead letters']
    expect(consumers.map(({ queue }) => queueKind(queue)).sort()).toEqual(kinds.sort())
    expect(api.queues.consumers).toEqual([])
  })

  it('has a consumer for each queue that anybody sends to, and somebody who sends to each that is consumed', () => {
    const sent = producers.map(({ queue }) => queue)
    const buried = consumers.flatMap((one) => one.dead_letter_queue ?? [])
    expect(new Set([...sent, ...buried])).toEqual(new Set(consumers.map(({ queue }) => queue)))
  })

  it('binds each queue by the name that says what is in it', () => {
    const kinds: Record<string, QueueKind> = {
      EVENTS: 'events',
      WARM_HIGH: 'warm high',
      WARM_LOW: 'warm low',
      STATS: 'stats',
    }
    for (const { binding, queue } of producers)
      expect([binding, queueKind(queue)]).toEqual([binding, kinds[binding]])
    // The API may do no more than it needs to: what is warmed is the consumer's decision.
    expect(api.queues.producers.map(({ binding }) => binding).sort()).toEqual(['EVENTS', 'STATS'])
  })

  it('keeps within what Queues take', () => {
    for (const { max_batch_size, max_batch_timeout, max_retries, max_concurrency } of consumers) {
      expect(max_batch_size).toBeLessThanOrEqual(100)
      expect(max_batch_timeout).toBeLessThanOrEqual(60)
      expect(max_retries).toBeLessThanOrEqual(100)
      expect(max_concurrency ?? 1).toBeLessThanOrEqual(250)
    }
  })

  it('drops no message but statistics', () => {
    const dead = only('dead letters').queue
    const kept = consumers.map((one) => [queueKind(one.queue), one.dead_letter_queue])
    expect(Object.fromEntries(kept)).toEqual({
      events: dead,
      'warm high': dead,
      'warm low': dead,
      stats: undefined,
      'dead letters': undefined,
    })
    // Without dead letters of its own, it must outlive an outage of D1.
    expect(only('dead letters').max_retries).toBe(100)
  })

  it('gives both Workers the same data', () => {
    expect(consumer.kv_namespaces).toEqual(api.kv_namespaces)
    expect(consumer.d1_databases).toEqual(api.d1_databases)
    expect(api.kv_namespaces.map(({ binding }) => binding)).toEqual(['CACHE'])
    expect(api.d1_databases.map(({ binding }) => binding)).toEqual(['DB'])
    expect(consumer.compatibility_date).toBe(api.compatibility_date)
    expect(consumer.name).not.toBe(api.name)
  })

  it('gives both the same settings, each of which the code knows and takes', () => {
    expect(consumer.vars).toEqual(api.vars)
    expect(() => parseSettings(api.vars)).not.toThrow()
    for (const name of Object.keys(api.vars)) {
      const setting = () => parseSettings({ [name]: '\u0000' })
      expect(setting).toThrow(SettingsError)
      expect(setting).toThrow(name)
    }
  })

  it('keeps the logs of both', () => {
    expect([api.observability.enabled, consumer.observability.enabled]).toEqual([true, true])
  })

  it('runs the schedule each minute, in the consumer', () => {
    expect([api.triggers.crons, consumer.triggers.crons]).toEqual([[], ['* * * * *']])
  })
})

it('no environment shares a name or an id with another', () => {
  const namesOf = (environment: string | undefined) =>
    WORKERS.flatMap((worker) => {
      const { name, kv_namespaces, d1_databases, queues } = configOf(worker, environment)
      return [
        name,
        ...kv_namespaces.flatMap(({ id, preview_id }) => [id, preview_id ?? id]),
        ...d1_databases.flatMap(({ database_id, database_name }) => [database_id, database_name]),
        ...queues.producers.map(({ queue }) => queue),
        ...queues.consumers.flatMap(({ queue, dead_letter_queue }) => [queue, dead_letter_queue ?? queue]),
      ]
    })
  const names = environments.flatMap((environment) => [...new Set(namesOf(environment))])
  expect(names.filter((name, place) => names.indexOf(name) !== place)).toEqual([])
})

it('wrangler dev has a KV namespace of its own', () => {
  const [namespace] = configOf('api-worker', undefined).kv_namespaces
  expect(namespace?.preview_id).toBeDefined()
  expect(namespace?.preview_id).not.toBe(namespace?.id)
})
