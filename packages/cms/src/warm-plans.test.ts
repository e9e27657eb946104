import { buildKey, matches, sourceOf } from '@freshet/cache-core'
import { describe, expect, it } from 'vitest'
import { EVENT_TYPES } from './events/event.ts'
import { patternsOf } from './events/rules.ts'
import { CACHE_CONFIGS, isNamespace } from './policies.ts'
import { resources } from './resources/table.ts'
import { SEED_COLLECTIONS } from './seed/index.ts'
import { scheduledRecipes, startupRecipes, warmPlan, warmPlans } from './warm-plans.ts'

const change = {
  id: '1',
  collection: 'posts',
  slugs: [],
  statuses: ['published', 'any'],
  featuredStatuses: ['published', 'any'],
}
const payloads: Record<string, unknown> = {
  content: change,
  user: { id: '1' },
  media: { id: '1' },
  plugin: { id: 'seo' },
  config: { key: 'site' },
  collection: { id: 'posts' },
  'auth.login': { userId: '1' },
  'auth.logout': { session: 'a'.repeat(64) },
}
const payloadOf = (type: string) => payloads[type] ?? payloads[type.split('.')[0] ?? '']
const resourcesAfter = (type: string, payload = payloadOf(type)) =>
  warmPlan(type, payload).jobs.map(({ recipe }) => recipe.resource)
const keyOf = (source: ReturnType<typeof sourceOf>) =>
  buildKey({ namespace: source.namespace, entity: source.entity, id: source.id, version: '1.1' }).path

describe('every warm plan', async () => {
  const plans = warmPlans(async () => SEED_COLLECTIONS)
  const scheduled = await plans.scheduled()
  const jobs = EVENT_TYPES.flatMap((type) => plans.forEvent(type, payloadOf(type)).jobs)
  const recipes = [...plans.startup, ...scheduled, ...jobs.map(({ recipe }) => recipe)]

  it('is of resources that the table has, and of nothing private', () => {
    expect(recipes.length).toBeGreaterThan(20)
    for (const recipe of recipes) {
      const { namespace } = sourceOf(resources, recipe)
      expect(isNamespace(namespace) && CACHE_CONFIGS[namespace].visibility).toBe('public')
    }
  })

  it('has priorities that the warm queue takes', () => {
    for (const { priority, reason } of jobs) {
      expect(priority).toBeGreaterThanOrEqual(0)
      expect(priority).toBeLessThanOrEqual(9)
      expect(reason).not.toBe('')
    }
  })

  it('warms nothing that its event did not invalidate, but for the menus', () => {
    for (const type of EVENT_TYPES) {
      const patterns = patternsOf(type, payloadOf(type))
      for (const { recipe } of warmPlan(type, payloadOf(type)).jobs) {
        const key = keyOf(sourceOf(resources, recipe))
        if (key === 'config:value:menus') continue
        expect({ type, key, hit: patterns.some((pattern) => matches(pattern, key)) }).toMatchObject({
          hit: true,
        })
      }
    }
  })
})

describe('after an event', () => {
  it('a public item is warmed before the lists that show it', () => {
    for (const type of ['content.create', 'content.update', 'content.publish']) {
      expect(resourcesAfter(type)).toEqual([
        'contentItem',
        'contentList',
        'contentFeed',
        'featured',
        'configValue',
      ])
    }
    const priorities = warmPlan('content.publish', change).jobs.map(({ priority }) => priority)
    expect(priorities).toEqual([...priorities].sort())
  })

  it('what is gone is not warmed, only its lists', () => {
    for (const type of ['content.unpublish', 'content.delete'])
      expect(resourcesAfter(type)).not.toContain('contentItem')
    expect(resourcesAfter('content.delete')).toContain('contentList')
    expect(resourcesAfter('media.delete')).toEqual(['mediaList'])
    expect(warmPlan('content.delete', change).gone).toEqual([resources.contentItem.at({ id: '1' }).recipe])
    expect(warmPlan('media.delete', { id: '1' }).gone).toEqual([resources.mediaItem.at({ id: '1' }).recipe])
    expect(warmPlan('content.publish', change).gone).toEqual([])
  })

  it('drafts are left alone', () => {
    const draft = { ...change, statuses: ['draft', 'any'], featuredStatuses: [] }
    for (const type of EVENT_TYPES.filter((one) => one.startsWith('content.'))) {
      expect(resourcesAfter(type, draft)).toEqual([])
    }
  })

  it('what is not featured leaves the featured list alone', () => {
    expect(resourcesAfter('content.publish', { ...change, featuredStatuses: [] })).not.toContain('featured')
  })

  it('users and sessions are left alone', () => {
    for (const type of EVENT_TYPES.filter((one) => /^(user|auth)\./.test(one)))
      expect(resourcesAfter(type)).toEqual([])
  })

  it('configuration is warmed where every page needs it', () => {
    expect(warmPlan('config.update', { key: 'menus' }).jobs.map(({ recipe }) => recipe.params)).toEqual([
      { key: 'menus' },
    ])
    expect(warmPlan('config.update', { key: 'mail' }).jobs).toEqual([])
    expect(resourcesAfter('plugin.activate')).toEqual(
      expect.arrayContaining(['configValue', 'plugins', 'featured', 'collections']),
    )
  })

  it('of other makers nothing is', () => {
    expect(warmPlan('cache.invalidate', null)).toEqual({ jobs: [], gone: [] })
    expect(() => warmPlan('content.update', {})).toThrow('bad payload')
  })
})

describe('on schedule', () => {
  it('the first page of each collection is kept, with what a start needs', () => {
    const recipes = scheduledRecipes(['posts', 'news'])
    expect(recipes).toEqual(expect.arrayContaining([...startupRecipes]))
    expect(
      recipes.filter(({ resource }) => resource === 'contentList').map(({ params }) => params.collection),
    ).toEqual(['posts', 'news'])
  })
})
