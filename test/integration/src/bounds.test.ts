import { seedPostId } from '@freshet/cms/seed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, eventually, itemOf, startTestStack, statsOf, type TestStack } from './support/stack.ts'

/** Δ of content in this file's stack: short, so that the tests are. */
const DELTA_MS = 1000

describe('two API Workers and no consumer: the fence alone holds the bound', () => {
  let world: TestStack
  let here: Api
  let there: Api
  let editor: Api

  beforeAll(async () => {
    world = await startTestStack({
      apiWorkers: 2,
      consumer: false,
      env: { CACHE_MAX_STALENESS_MS: String(DELTA_MS) },
    })
    const [first, second] = world.apis
    if (first === undefined || second === undefined) throw new Error('two API Workers were asked for')
    here = first
    there = second
    editor = await here.login('editor')
  })
  afterAll(() => world.stop())

  const put = (path: string, title: string) => editor.request(path, { method: 'PUT', body: { title } })

  it('shows an update made through one within Δ through the other', async () => {
    const path = `/api/content/${seedPostId(1)}`
    await there.request(path)
    const { version } = await itemOf(await put(path, 'Seen within the bound'))
    await new Promise((resolve) => setTimeout(resolve, DELTA_MS + 1))
    expect((await itemOf(await there.request(path))).version).toBe(version)
  })

  it('shows it at once with the bookmark', async () => {
    for (let i = 0; i < 20; i++) {
      const path = `/api/content/${seedPostId(i)}`
      await there.request(path)
      const written = await put(path, `Seen at once ${i}`)
      const bookmark = written.headers.get('Cache-Bookmark') ?? ''
      const { version } = await itemOf(written)
      const read = await there.request(path, { headers: { 'Cache-Bookmark': bookmark } })
      expect((await itemOf(read)).version).toBe(version)
      const cookie = await there.request(path, { headers: { Cookie: `freshet-bookmark=${bookmark}` } })
      expect((await itemOf(cookie)).version).toBe(version)
    }
  })

  it('shows a writer its own writes without any bookmark', async () => {
    const path = `/api/content/${seedPostId(2)}`
    for (let i = 0; i < 20; i++) {
      const { version } = await itemOf(await put(path, `Own ${i}`))
      expect((await itemOf(await here.request(path))).version).toBe(version)
    }
  })

  it('shows a creation where "not found" was cached, within Δ', async () => {
    const path = '/api/content/slug/posts/born-elsewhere'
    expect((await there.request(path)).status).toBe(404)
    const body = { collection: 'posts', slug: 'born-elsewhere', title: 'Born', status: 'published' }
    await editor.request('/api/content', { method: 'POST', body })
    await new Promise((resolve) => setTimeout(resolve, DELTA_MS + 1))
    expect((await there.request(path)).status).toBe(200)
  })

  it('ends a session everywhere within its own Δ, and at once with the bookmark', async () => {
    const [one, two] = [await here.login('viewer'), await here.login('viewer')]
    const elsewhere = (session: Api, headers = {}) =>
      there.as(session.token ?? '').request('/auth/me', { headers })
    expect((await elsewhere(one)).status).toBe(200)
    await one.request('/auth/logout', { method: 'POST', body: {} })
    const bookmark =
      (await two.request('/auth/logout', { method: 'POST', body: {} })).headers.get('Cache-Bookmark') ?? ''
    expect((await elsewhere(two, { 'Cache-Bookmark': bookmark })).status).toBe(401)
    await new Promise((resolve) => setTimeout(resolve, DELTA_MS + 1))
    expect((await elsewhere(one)).status).toBe(401)
  })

  it('reads monotonically with the bookmark of each answer, between Workers', async () => {
    const path = `/api/content/${seedPostId(3)}`
    let bookmark = ''
    let seen = 0
    for (let i = 0; i < 30; i++) {
      if (i % 3 === 0) await put(path, `Step ${i}`)
      const response = await (i % 2 === 0 ? here : there).request(path, {
        headers: { 'Cache-Bookmark': bookmark },
      })
      bookmark = response.headers.get('Cache-Bookmark') ?? ''
      const { version } = await itemOf(response)
      expect(version).toBeGreaterThanOrEqual(seen)
      seen = version
    }
  })

  it('sees a raw write to the log within Δ, and a restored database by its new epoch', async () => {
    const path = `/api/content/${seedPostId(4)}`
    const before = await itemOf(await there.request(path))
    await world.stack.sql([
      { sql: 'UPDATE content SET title = ?, version = version + 1 WHERE id = ?', params: ['Raw', before.id] },
      {
        sql: `INSERT INTO invalidation_log (event_id, type, payload, patterns, created_at) VALUES ('raw-1', 'raw', '{}', ?, 0)`,
        params: [JSON.stringify([`content:item:${before.id}`])],
      },
    ])
    await new Promise((resolve) => setTimeout(resolve, DELTA_MS + 1))
    expect((await itemOf(await there.request(path))).title).toBe('Raw')
    // A backup is restored: the log ends earlier than anybody remembers, and the row is the old one again.
    await world.stack.sql([
      {
        sql: 'UPDATE content SET title = ?, version = ? WHERE id = ?',
        params: ['Restored', before.version, before.id],
      },
      { sql: 'DELETE FROM invalidation_log WHERE seq > (SELECT min(seq) FROM invalidation_log)', params: [] },
    ])
    await eventually('both Workers answer from the restored database', async () => {
      const titles = await Promise.all(
        [here, there].map(async (api) => (await itemOf(await api.request(path))).title),
      )
      return titles.every((title) => title === 'Restored')
    })
  })
})

describe('20 items under 8 writes a second through two API Workers', () => {
  it('stay over 95 % hits: own writes do not starve the cache', async () => {
    const world = await startTestStack({ apiWorkers: 2 })
    const editors = await Promise.all(world.apis.map((api) => api.login('editor')))
    const admins = await Promise.all(world.apis.map((api) => api.login('admin')))
    const paths = Array.from({ length: 20 }, (_, i) => `/api/content/${seedPostId(i)}`)
    for (const api of world.apis) for (const path of paths) await api.request(path)
    const before = await Promise.all(admins.map(statsOf))
    // Counted, not timed: 8 writes to each 800 reads, which is a second of a site with 800 requests a second.
    let write = 0
    for (let second = 0; second < 5; second++) {
      for (let eighth = 0; eighth < 8; eighth++) {
        const path = paths[write % paths.length] ?? ''
        const written = await editors[write % 2]?.request(path, {
          method: 'PUT',
          body: { title: `Write ${write}` },
        })
        expect(written?.status).toBe(200)
        write++
        const reads = Array.from({ length: 100 }, (_, i) =>
          world.apis[i % 2]?.request(paths[(i * 7 + write) % paths.length] ?? ''),
        )
        for (const response of await Promise.all(reads)) expect(response?.status).toBe(200)
      }
    }
    const after = await Promise.all(admins.map(statsOf))
    const count = (field: 'memoryHits' | 'kvHits' | 'misses') =>
      after.reduce(
        (sum, stats, i) =>
          sum + (stats.namespaces.content?.[field] ?? 0) - (before[i]?.namespaces.content?.[field] ?? 0),
        0,
      )
    const hits = count('memoryHits') + count('kvHits')
    expect(hits + count('misses')).toBe(4000)
    expect(hits / 4000).toBeGreaterThan(0.95)
    await world.stop()
  })
})
