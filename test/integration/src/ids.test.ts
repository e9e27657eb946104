import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Api, itemOf, startTestStack, type TestStack } from './support/stack.ts'

let world: TestStack
let api: Api
let editor: Api
let admin: Api

const IDS = [
  'a:b',
  'a',
  'a%3Ab',
  'a*',
  '*',
  'a/b',
  'a b',
  'ä🐟',
  'x'.repeat(600),
  `${'x'.repeat(599)}y`,
  'item:*',
  ':',
  '..%2f',
  'content-1:',
  '%',
  "'; DROP TABLE content; --",
]

beforeAll(async () => {
  world = await startTestStack()
  api = world.api
  editor = await api.login('editor')
  admin = await api.login('admin')
  const insert = `INSERT INTO content (id, collection_id, slug, title, status, data, created_at, updated_at, published_at) VALUES (?, 'posts', ?, ?, 'published', '{}', 1, 1, 1)`
  await world.stack.sql(IDS.map((id, i) => ({ sql: insert, params: [id, `strange-${i}`, `Title ${i}`] })))
})
afterAll(() => world.stop())

const path = (id: string) => `/api/content/${encodeURIComponent(id)}`

it.each(IDS.map((id, i) => [id.slice(0, 30), id, i] as const))(
  '"%s" is read, cached and changed as itself',
  async (_, id, i) => {
    for (const source of ['database', 'memory']) {
      const response = await api.request(path(id))
      expect([response.status, response.headers.get('X-Cache-Source')]).toEqual([200, source])
      expect(await itemOf(response)).toMatchObject({ id, title: `Title ${i}` })
    }
  },
)

it('a change of one leaves all others cached', async () => {
  for (const [i, id] of IDS.entries()) {
    await Promise.all(IDS.map((other) => api.request(path(other))))
    const written = await editor.request(path(id), { method: 'PUT', body: { title: `Changed ${i}` } })
    expect((await itemOf(written)).id).toBe(id)
    for (const [j, other] of IDS.entries()) {
      const response = await api.request(path(other))
      expect((await itemOf(response)).title).toBe(j <= i ? `Changed ${j}` : `Title ${j}`)
      expect([other, response.headers.get('X-Cache-Status')]).toEqual([other, 'HIT'])
    }
  }
})

it('none of them reaches another namespace', async () => {
  await api.request('/api/config/site')
  await editor.request(path('*'), { method: 'PUT', body: { title: 'No wildcard' } })
  await editor.request(path('item:*'), { method: 'PUT', body: { title: 'No pattern' } })
  expect((await api.request('/api/config/site')).headers.get('X-Cache-Status')).toBe('HIT')
  expect((await admin.request(`/api/users/${encodeURIComponent('*')}`)).status).toBe(404)
  expect((await admin.request(`/api/users/${encodeURIComponent('../../content/a')}`)).status).toBe(404)
})

it("ids that are too long are nobody's", async () => {
  expect((await api.request(path('y'.repeat(2000)))).status).toBe(404)
})
