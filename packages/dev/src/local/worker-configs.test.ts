import { resolve } from 'node:path'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { unstable_readConfig } from 'wrangler'

const ROOT = resolve(import.meta.dirname, '../../../..')

const BindingsSchema = v.object({
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
    consumers: v.optional(
      v.array(v.object({ queue: v.string(), dead_letter_queue: v.optional(v.string()) })),
      [],
    ),
  }),
  triggers: v.object({ crons: v.optional(v.array(v.string()), []) }),
  observability: v.object({ enabled: v.literal(true) }),
  compatibility_date: v.string(),
})

const read = (worker: string, env?: string) =>
  v.parse(BindingsSchema, unstable_readConfig({ config: resolve(ROOT, worker, 'wrangler.jsonc'), env }))
const both = (env?: string) => ({ api: read('api-worker', env), consumer: read('consumer-worker', env) })

describe.each([
  ['the default environment', undefined, ''],
  ['production', 'production', '-production'],
])('the configurations of both Workers in %s', (_, env, suffix) => {
  const { api, consumer } = both(env)

  it('name the same namespace and database, by id', () => {
    expect(consumer.kv_namespaces).toEqual(api.kv_namespaces)
    expect(consumer.d1_databases).toEqual(api.d1_databases)
    expect(api.kv_namespaces.map(({ binding }) => binding)).toEqual(['CACHE'])
    expect(api.d1_databases.map(({ binding }) => binding)).toEqual(['DB'])
  })

  it('cache alike: what the consumer warms, the API reads', () => {
    const settings = (vars: Record<string, string>) =>
      Object.fromEntries(Object.entries(vars).filter(([name]) => name.startsWith('CACHE_')))
    expect(settings(consumer.vars)).toEqual(settings(api.vars))
    expect(consumer.compatibility_date).toBe(api.compatibility_date)
  })

  it('have a consumer for every queue that is sent to, dead letters among them', () => {
    const consumed = consumer.queues.consumers.map(({ queue }) => queue)
    const sent = [...api.queues.producers, ...consumer.queues.producers].map(({ queue }) => queue)
    const dead = consumer.queues.consumers.flatMap(({ dead_letter_queue }) => dead_letter_queue ?? [])
    expect(new Set(consumed)).toEqual(new Set([...sent, ...dead]))
    expect(consumed).toEqual(expect.arrayContaining([`cache-events${suffix}`, `cache-warm-high${suffix}`]))
  })

  it('call the consumer each minute, as the local runner does', () => {
    expect(consumer.triggers.crons).toEqual(['* * * * *'])
  })
})

it('production shares nothing with the default environment', () => {
  const resources = (env?: string) => {
    const { api, consumer } = both(env)
    return [
      ...api.kv_namespaces.flatMap(({ id, preview_id }) => [id, preview_id ?? []].flat()),
      ...api.d1_databases.flatMap(({ database_id, database_name }) => [database_id, database_name]),
      ...consumer.queues.consumers.map(({ queue }) => queue),
    ]
  }
  const all = [...resources(), ...resources('production')]
  expect(new Set(all).size).toBe(all.length)
})

it('wrangler dev has a namespace of its own', () => {
  const [namespace] = both().api.kv_namespaces
  expect(namespace?.preview_id).toBeDefined()
  expect(namespace?.preview_id).not.toBe(namespace?.id)
})
