import { nameOf } from '@freshet/cache-core'
import { seedPostId } from '@freshet/cms/seed'
import { dropTriggers, installTriggers } from '@freshet/cms/triggers'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unstable_splitSqlQuery } from 'wrangler'
import { LogRow } from './support/log-row.ts'
import { type Api, eventually, itemOf, itemsOf, startTestStack, type TestStack } from './support/stack.ts'

/** Of content, users and media; nothing in this stack caps it. */
const DELTA_MS = 5000

describe('with triggers in the database', () => {
  let world: TestStack
  let here: Api
  let there: Api
  let editor: Api

  beforeAll(async () => {
    world = await startTestStack({ apiWorkers: 2 })
    const [first, second] = world.apis
    if (first === undefined || second === undefined) throw new Error('two API Workers were asked for')
    here = first
    there = second
    await install(installTriggers())
    editor = await here.login('editor')
  })
  afterAll(() => world.stop())

  const install = (migration: string) =>
    world.stack.sql(unstable_splitSqlQuery(migration).map((sql) => ({ sql, params: [] })))
  const run = async (sql: string, ...params: unknown[]) => (await world.stack.sql([{ sql, params }]))[0] ?? []
  const log = async () => v.parse(v.array(LogRow), await run('SELECT * FROM invalidation_log ORDER BY seq'))
  const lastSeq = async () => (await log()).at(-1)?.seq ?? 0
  const path = (i: number) => `/api/content/${seedPostId(i)}`
  const both = (at: string) => Promise.all([here, there].map((api) => api.request(at)))
  const oneDelta = () => new Promise((resolve) => setTimeout(resolve, DELTA_MS + 1))
  const put = (i: number, body: object, headers = {}) =>
    editor.request(path(i), { method: 'PUT', body, headers })

  it('what a console does to any table is seen through both API Workers within Δ', async () => {
    const shown = await itemOf(await here.request(path(3)))
    const renamed = shown.author
    if (renamed === null) throw new Error('a seeded post has an author')
    const slug = `/api/content/slug/${shown.collection}`
    const lists = `/api/collections/${shown.collection}/content?limit=100`
    const paths = [path(1), path(2), path(3), path(4), `${slug}/moved-by-hand`, lists, '/api/config/site']
    paths.push('/api/collections', '/api/collections/by-hand/content')
    for (const at of paths) await both(at)
    const [old] = await Promise.all([itemOf(await here.request(path(4)))])
    await run('UPDATE content SET title = ? WHERE id = ?', 'By hand', seedPostId(1))
    await run('DELETE FROM content WHERE id = ?', seedPostId(2))
    await run('UPDATE users SET name = ? WHERE id = ?', 'Renamed by hand', renamed.id)
    await run(
      'UPDATE content SET slug = ?, collection_id = ? WHERE id = ?',
      'moved-by-hand',
      shown.collection,
      old.id,
    )
    await run("UPDATE config SET value = ? WHERE key = 'site'", '{"title":"By hand"}')
    await run("INSERT INTO collections (id, name, created_at) VALUES ('by-hand', 'By hand', 0)")
    await oneDelta()
    for (const api of [here, there]) {
      expect((await itemOf(await api.request(path(1)))).title).toBe('By hand')
      expect((await api.request(path(2))).status).toBe(404)
      expect((await itemOf(await api.request(path(3)))).author?.name).toBe('Renamed by hand')
      expect((await itemOf(await api.request(`${slug}/moved-by-hand`))).id).toBe(old.id)
      const listed = await itemsOf(await api.request(lists))
      expect(listed.map(({ id }) => id)).not.toContain(seedPostId(2))
      expect(
        listed.filter(({ author }) => author?.id === renamed.id).map(({ author }) => author?.name),
      ).not.toContain(renamed.name)
      expect(await (await api.request('/api/config/site')).text()).toContain('By hand')
      expect(await (await api.request('/api/collections')).text()).toContain('by-hand')
      expect((await api.request('/api/collections/by-hand/content')).status).toBe(200)
    }
  })

  it('its event is processed by way of the relay', async () => {
    const before = await lastSeq()
    await run('UPDATE content SET status = ? WHERE id = ?', 'draft', seedPostId(5))
    const mine = async () => (await log()).filter(({ seq }) => seq > before)
    expect(await mine()).toMatchObject([{ type: 'content.unpublish', processed_at: null }])
    await run('UPDATE invalidation_log SET created_at = created_at - 31000 WHERE processed_at IS NULL')
    await world.cron()
    await eventually('it is processed', async () => (await mine()).every((row) => row.processed_at !== null))
    expect(await run('SELECT * FROM dead_letters')).toEqual([])
  })

  it('a write of the API logs one row, its own, and is seen as ever', async () => {
    const first = await here.request(path(6))
    await there.request(path(6))
    const before = await lastSeq()
    const written = await put(
      6,
      { title: 'Through the API' },
      { 'If-Match': first.headers.get('ETag') ?? '' },
    )
    expect(written.status).toBe(200)
    const rows = (await log()).filter(({ seq }) => seq > before)
    expect(rows.map(({ type }) => type)).toEqual(['content.update'])
    expect(rows[0]?.event_id).not.toMatch(/^sql:/)
    expect((await itemOf(await here.request(path(6)))).title).toBe('Through the API')
    const bookmark = written.headers.get('Cache-Bookmark') ?? ''
    expect(bookmark).toMatch(new RegExp(`\\.${rows[0]?.seq}$`))
    const elsewhere = await there.request(path(6), { headers: { 'Cache-Bookmark': bookmark } })
    expect((await itemOf(elsewhere)).title).toBe('Through the API')
    expect((await put(6, { title: 'Late' }, { 'If-Match': first.headers.get('ETag') ?? '' })).status).toBe(
      412,
    )
    expect((await log()).at(-1)?.seq).toBe(rows[0]?.seq)
    await eventually('the consumer has it', async () => (await log()).at(-1)?.processed_at !== null)
  })

  it('creations, relations, log-ins and bulk actions work as ever', async () => {
    const author = (await itemOf(await here.request(path(7)))).author?.id
    const body = {
      collection: 'posts',
      slug: 'with-relations',
      title: 'R',
      status: 'published',
      authorId: author,
    }
    const created = await itemOf(await editor.request('/api/content', { method: 'POST', body }))
    expect(created.author?.id).toBe(author)
    const changed = await editor.request(`/api/content/${created.id}`, {
      method: 'PUT',
      body: { authorId: null },
    })
    expect((await itemOf(changed)).author).toBe(null)
    const ids = [created.id, seedPostId(8), 'nobody']
    const bulk = await editor.request('/api/content/bulk', {
      method: 'POST',
      body: { action: 'unpublish', ids },
    })
    const Results = v.object({ data: v.array(v.object({ status: v.string() })) })
    const { data } = v.parse(Results, await bulk.json())
    expect(data.map(({ status }) => status)).toEqual(['ok', 'ok', 'not_found'])
    const admin = await here.login('admin')
    const elsewhere = there.as(admin.token ?? '')
    expect((await elsewhere.request('/auth/me')).status).toBe(200)
    const out = await admin.request('/auth/logout', { method: 'POST', body: {} })
    const bookmark = out.headers.get('Cache-Bookmark') ?? ''
    expect((await elsewhere.request('/auth/me', { headers: { 'Cache-Bookmark': bookmark } })).status).toBe(
      401,
    )
    await eventually('nothing of it waits for the relay', async () =>
      (await log()).every((row) => row.processed_at !== null),
    )
  })

  it('names are escaped as the keys are, in D1 as well', async () => {
    const id = Array.from({ length: 0x80 }, (_, code) => String.fromCharCode(code)).join('')
    await run(
      "INSERT INTO media (id, filename, mime_type, size, url, created_at, updated_at) VALUES (?, 'f', 'a/b', 1, '/', 0, 0)",
      id,
    )
    expect((await log()).at(-1)).toMatchObject({
      type: 'media.upload',
      patterns: [nameOf('media', 'file', id), 'api:media:*'],
    })
  })

  it('they can be taken away under running Workers, whose writes then log by themselves again', async () => {
    await install(dropTriggers())
    const before = await lastSeq()
    await run('UPDATE content SET title = ? WHERE id = ?', 'Unseen', seedPostId(9))
    expect(await lastSeq()).toBe(before)
    expect((await put(9, { title: 'Seen' })).status).toBe(200)
    const rows = (await log()).filter(({ seq }) => seq > before)
    expect(rows.map(({ type }) => type)).toEqual(['content.update'])
    expect((await itemOf(await here.request(path(9)))).title).toBe('Seen')
  })
})
