import { Isolate, parseSettings, sourceOf } from '@freshet/cache-core'
import { CACHE_CONFIGS, resources } from '@freshet/cms'
import { expect, it } from 'vitest'
import { recipeOf } from './recipe-of.ts'

const isolate = new Isolate({ configs: CACHE_CONFIGS, settings: parseSettings({}) })

it.each([
  { resource: 'contentItem', params: { id: 'a:b*c%' } },
  { resource: 'contentSlug', params: { collection: 'posts', slug: 'hello-world' } },
  { resource: 'mediaItem', params: { id: 'm1' } },
  { resource: 'configValue', params: { key: 'site' } },
  { resource: 'collections', params: {} },
  { resource: 'plugins', params: { status: 'active' } },
])('the key of $resource leads back to it', (recipe) => {
  const key = isolate.keyOf(sourceOf(resources, recipe))
  expect(recipeOf(isolate, key.path)).toEqual(recipe)
})

it.each([
  'content:item',
  'content:other:1',
  'api:list:posts:published:limit=20',
  'nobody:item:1',
  'config:value:A B',
])('%s leads to nothing', (path) => {
  expect(recipeOf(isolate, path)).toBe(null)
})
