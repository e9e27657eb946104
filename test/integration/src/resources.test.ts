import { type CacheConfig, type Recipe, sourceOf } from '@freshet/cache-core'
import { coalesceJobs, warmMessages } from '@freshet/cache-core/pipeline'
import { CACHE_CONFIGS, resources, scheduledRecipes, startupRecipes, warmPlan } from '@freshet/cms'
import { SEED_COLLECTIONS, seedMediaId, seedPostId, seedUserId } from '@freshet/cms/seed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, eventually, itemOf, startTestStack, statsOf, type TestStack } from './support/stack.ts'

type ResourceName = keyof typeof resources

/** The route that reads each resource. A resource without a row here does not compile. */
const ROUTES: Readonly<Record<ResourceName, (params: Recipe['params']) => string>> = {
  contentItem: ({ id }) => `/api/content/${id}`,
  contentSlug: ({ collection, slug }) => `/api/content/slug/${collection}/${slug}`,
  contentList: ({ collection, ...page }) => `/api/collections/${collection}/content?${query(page)}`,
  contentFeed: (page) => `/api/content?${query(page)}`,
  featured: (page) => `/api/content?featured=true&${query(page)}`,
  collections: () => '/api/collections',
  mediaItem: ({ id }) => `/api/media/${id}`,
  mediaList: (page) => `/api/media?${query(page)}`,
  userProfile: ({ id }) => `/api/users/${id}`,
  userPermissions: ({ id }) => `/api/users/${id}/permissions`,
  configValue: ({ key }) => `/api/config/${key}`,
  plugins: (params) => `/api/plugins?${query(params)}`,
  session: () => '/auth/me',
}

function query(params: Recipe['params']): string {
  return new URLSearchParams(
    Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)])),
  ).toString()
}

const privateNamespaces = Object.values<CacheConfig>(CACHE_CONFIGS)
  .filter(({ visibility }) => visibility === 'private')
  .map(({ namespace }) => namespace)
const isPrivate = (recipe: Recipe) => privateNamespaces.includes(sourceOf(resources, recipe).namespace)

describe('every key that is warmed is one that a route reads', () => {
  let world: TestStack
  let admin: Api
  let recipes: Recipe[]

  beforeAll(async () => {
    world = await startTestStack({ apiWorkers: 1 })
    admin = await world.api.login('admin')
    const { id, collection, slug } = await itemOf(await world.api.request(`/api/content/${seedPostId(1)}`))
    const change = {
      id,
      collection,
      slugs: [],
      statuses: ['published', 'any'],
      featuredStatuses: ['published', 'any'],
    }
    const events = [
      ['content.publish', change],
      ['media.update', { id: seedMediaId(1) }],
      ['config.update', { key: 'menus' }],
      ['plugin.activate', { id: 'any' }],
    ] as const
    const planned = events.flatMap(([type, payload]) => warmPlan(type, payload).jobs.map((job) => job.recipe))
    // Also what no plan names yet, so that the table as a whole is reachable.
    const others: Recipe[] = [{ resource: 'contentSlug', params: { collection, slug } }]
    recipes = [...startupRecipes, ...scheduledRecipes(SEED_COLLECTIONS), ...planned, ...others]
  })
  afterAll(() => world.stop())

  it('names nothing private', () => {
    expect(recipes.filter(isPrivate)).toEqual([])
    for (const type of ['user.update', 'user.create', 'user.delete'] as const)
      expect(warmPlan(type, { id: seedUserId(0) }).jobs).toEqual([])
  })

  it('finds each one in KV, put there by the consumer, when its route is asked', async () => {
    const jobs = coalesceJobs(recipes.map((recipe) => ({ recipe, priority: 5, reason: 'test' })))
    const queue = await world.stack.miniflare.getQueueProducer('WARM_HIGH', 'freshet-consumer')
    for (const batch of warmMessages(jobs)) await queue.sendBatch(batch)
    const kv = await world.stack.miniflare.getKVNamespace('CACHE', 'freshet-api-1')
    const isValue = (name: string) => !name.startsWith('freshet:')
    // Not every recipe has a value of its own: the database may have nothing featured, but an empty list is a value, too.
    await eventually(
      `${jobs.length} values are in KV`,
      async () => (await kv.list()).keys.filter(({ name }) => isValue(name)).length >= jobs.length,
    )
    for (const { recipe } of jobs) {
      const source = sourceOf(resources, recipe)
      const path = ROUTES[recipe.resource as ResourceName](recipe.params)
      const before = (await statsOf(admin)).namespaces[source.namespace]
      const response = await admin.request(path)
      const after = (await statsOf(admin)).namespaces[source.namespace]
      expect([path, response.status]).toEqual([path, 200])
      // A route may read more than the one (a list also reads the collections), but nothing that was not warm.
      expect([path, (after?.misses ?? 0) - (before?.misses ?? 0)]).toEqual([path, 0])
    }
  })

  it('and every resource of the table is one that a route reads', async () => {
    const params = new Map(recipes.map((recipe) => [recipe.resource, recipe.params]))
    params
      .set('userProfile', { id: seedUserId(0) })
      .set('userPermissions', { id: seedUserId(0) })
      .set('session', {})
    expect([...params.keys()].sort()).toEqual(Object.keys(resources).sort())
    for (const name of Object.keys(resources) as ResourceName[]) {
      const namespace = resources[name].namespace
      const path = ROUTES[name](params.get(name) ?? {})
      const reads = async () => {
        const counts = (await statsOf(admin)).namespaces[namespace]
        return (counts?.memoryHits ?? 0) + (counts?.kvHits ?? 0) + (counts?.misses ?? 0)
      }
      const before = await reads()
      expect([path, (await admin.request(path)).status]).toEqual([path, 200])
      // Two sessions are read by the looks themselves.
      expect(await reads()).toBeGreaterThan(before + (namespace === 'session' ? 1 : 0))
    }
  })
})

it('the scheduled batch warms what an isolate then starts from', async () => {
  const world = await startTestStack({ apiWorkers: 2 })
  await world.cron({ warm: true })
  const kv = await world.stack.miniflare.getKVNamespace('CACHE', 'freshet-api-1')
  const expected = scheduledRecipes(SEED_COLLECTIONS).length
  await eventually('all scheduled recipes are in KV', async () => (await kv.list()).keys.length >= expected)
  const second = world.apis[1]
  const first = await second?.request('/api/config/site')
  expect(first?.headers.get('X-Cache-Status')).toBe('HIT')
  await eventually('menus came into memory by themselves', async () => {
    return (await second?.request('/api/config/menus'))?.headers.get('X-Cache-Source') === 'memory'
  })
  await world.stop()
})
