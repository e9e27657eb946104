import { expect, it } from 'vitest'
import { fixedPart, matchesIn } from './preview.ts'

const entry = (path: string, ...tags: string[]) => ({ path, namespace: path.split(':')[0] ?? '', tags })

it('an entry counts once: by its key, or else by a tag', () => {
  const entries = [
    entry('content:item:1', 'user:profile:7', 'content:item:1'),
    entry('content:item:2', 'user:profile:7', 'user:profile:8'),
    entry('api:list:posts', 'content:item:9'),
    entry('media:file:1'),
  ]
  expect(matchesIn('content:item:*', entries)).toEqual({
    byKey: 2,
    byTag: 1,
    total: 4,
    keys: ['content:item:1', 'content:item:2', 'api:list:posts'],
    namespaces: ['content', 'api'],
  })
  expect(matchesIn('user:profile:*', entries)).toMatchObject({ byKey: 0, byTag: 2 })
  expect(matchesIn('*', entries)).toMatchObject({ byKey: 4, byTag: 0 })
  expect(matchesIn('nobody', entries)).toMatchObject({ byKey: 0, byTag: 0, keys: [], namespaces: [] })
})

it('what a pattern matches begins with its fixed part', () => {
  expect(['content:item:*', 'content:item:1', '*', 'a:*:b'].map(fixedPart)).toEqual([
    'content:item:',
    'content:item:1',
    '',
    'a:',
  ])
})
