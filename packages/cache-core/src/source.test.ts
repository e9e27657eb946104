import { describe, expect, it } from 'vitest'
import { posts, resources, World } from '../test/world.ts'
import { defineResource, sourceOf } from './source.ts'

describe('a resource', () => {
  it('makes the source of a recipe: key, tags, label and load follow from its parameters', async () => {
    const world = new World()
    world.plant('1', 'first')
    const source = sourceOf(resources, { resource: 'post', params: { id: '1' } })
    expect([source.namespace, source.entity, source.id]).toEqual(['content', 'post', '1'])
    expect(source.recipe).toEqual({ resource: 'post', params: { id: '1' } })
    const { statements, decode } = source.load(world.db)
    const value = decode(await world.db.batch(statements))
    expect(value).toEqual({ id: '1', title: 'first' })
    expect([source.tags(value), source.tags(null), source.label?.(value)]).toEqual([
      ['user:profile:7'],
      [],
      'f',
    ])
  })

  it('needs no label', () => {
    const { label: _, ...unlabelled } = { ...posts.at({ id: '1' }) }
    const handle = defineResource({
      name: 'plain',
      namespace: 'content',
      parseParams: () => ({ id: 'x' }),
      key: ({ id }) => ({ entity: 'plain', id }),
      tags: () => [],
      load: unlabelled.load,
      parse: (json) => json,
    })
    expect('label' in handle.from({})).toBe(false)
  })

  it('refuses parameters from outside that do not fit', () => {
    for (const params of [{}, { id: 7 }, { id: '1', more: true }]) {
      expect(() => sourceOf(resources, { resource: 'post', params })).toThrow()
    }
  })

  it.each(['nothing', 'toString', '__proto__', ''])(
    'refuses %j, which the table does not have',
    (resource) => {
      expect(() => sourceOf(resources, { resource, params: {} })).toThrow(
        `unknown resource "${resource}"; there are: post`,
      )
    },
  )
})
