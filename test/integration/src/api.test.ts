import { seedMediaId, seedPostId } from '@freshet/cms/seed'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, itemOf, itemsOf, startTestStack, statsOf, type TestStack } from './support/stack.ts'

let world: TestStack
let api: Api
let admin: Api
let editor: Api
let viewer: Api

beforeAll(async () => {
  world = await startTestStack({ env: { CORS_ORIGINS: 'https://site.example' } })
  api = world.api
  admin = await api.login('admin')
  editor = await api.login('editor')
  viewer = await api.login('viewer')
})
afterAll(() => world.stop())

const post = `/api/content/${seedPostId(0)}`
const Problem = v.object({
  type: v.string(),
  title: v.string(),
  status: v.number(),
  detail: v.string(),
  errors: v.optional(v.array(v.object({ field: v.string(), message: v.string() }))),
})
const problemOf = async (response: Response) => {
  expect(response.headers.get('Content-Type')).toContain('application/problem+json')
  return v.parse(Problem, await response.json())
}

async function newDraft(slug: string): Promise<string> {
  const body = { collection: 'posts', slug, title: 'A draft', data: { text: 'x' } }
  return (await itemOf(await editor.request('/api/content', { method: 'POST', body }))).id
}

describe('reads', () => {
  it('fall through the tiers and say so', async () => {
    const path = `/api/content/${seedPostId(1)}`
    const miss = await api.request(path)
    expect(miss.status).toBe(200)
    expect(miss.headers.get('X-Cache-Status')).toBe('MISS')
    expect(miss.headers.get('X-Cache-Source')).toBe('database')
    expect(miss.headers.get('Cache-Status')).toBe('freshet-kv;fwd=miss, freshet-memory;fwd=miss')
    expect(miss.headers.get('Server-Timing')).toContain('db;dur=')
    const hit = await api.request(path)
    expect(hit.headers.get('X-Cache-Source')).toBe('memory')
    expect(hit.headers.get('Cache-Status')).toMatch(/^freshet-memory;hit;ttl=\d+$/)
    expect(hit.headers.get('Cache-Control')).toBe('no-cache')
    expect(await hit.text()).toBe(await miss.text())
  })

  it('answer 304 to the ETag that they gave', async () => {
    const first = await api.request(post)
    const etag = first.headers.get('ETag') ?? ''
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/)
    const again = await api.request(post, { headers: { 'If-None-Match': `W/"x", ${etag}` } })
    expect([again.status, await again.text(), again.headers.get('ETag')]).toEqual([304, '', etag])
  })

  it('give an item its documented shape', async () => {
    const { data: item } = v.parse(
      v.object({ data: v.record(v.string(), v.unknown()) }),
      await (await api.request(post)).json(),
    )
    expect(Object.keys(item)).toEqual([
      'id',
      'collection',
      'slug',
      'title',
      'status',
      'version',
      'data',
      'author',
      'featuredMedia',
      'createdAt',
      'updatedAt',
      'publishedAt',
    ])
  })

  it.each([
    '/api/collections',
    '/api/content',
    '/api/content?featured=true',
    '/api/collections/posts/content?limit=5&sortBy=title&sortDirection=asc',
    '/api/media',
    `/api/media/${seedMediaId(0)}`,
    '/api/config/site',
    '/api/config/menus',
  ])('%s is open to everybody, and cached', async (path) => {
    const first = await api.request(path)
    expect(first.status).toBe(200)
    const second = await api.request(path)
    expect(second.headers.get('X-Cache-Status')).toBe('HIT')
    expect(await second.text()).toBe(await first.text())
  })

  it('page lists, with the total beside', async () => {
    const Page = v.object({
      data: v.array(v.looseObject({ id: v.string() })),
      meta: v.object({ total: v.number(), limit: v.number(), offset: v.number() }),
    })
    const page = async (offset: number) =>
      v.parse(Page, await (await api.request(`/api/content?limit=3&offset=${offset}`)).json())
    const [first, second] = [await page(0), await page(3)]
    expect([first.data.length, first.meta]).toEqual([3, { total: 40, limit: 3, offset: 0 }])
    expect(new Set([...first.data, ...second.data].map(({ id }) => id)).size).toBe(6)
  })

  it('find an item by its address', async () => {
    const { collection, slug, id } = await itemOf(await api.request(post))
    const response = await api.request(`/api/content/slug/${collection}/${slug}`)
    expect((await itemOf(response)).id).toBe(id)
    expect((await api.request(`/api/content/slug/${collection}/no-such-slug`)).status).toBe(404)
  })

  it('cache "not found", and see the creation', async () => {
    expect((await api.request('/api/content/slug/posts/to-be-born')).status).toBe(404)
    const again = await api.request('/api/content/slug/posts/to-be-born')
    expect([again.status, again.headers.get('X-Cache-Status')]).toEqual([404, 'HIT'])
    const id = await newDraft('to-be-born')
    await editor.request(`/api/content/${id}/publish`, { method: 'POST' })
    expect((await api.request('/api/content/slug/posts/to-be-born')).status).toBe(200)
  })

  it('answer /health without asking anybody', async () => {
    const before = (await statsOf(admin)).d1.queries
    expect(await (await api.request('/health')).json()).toEqual({ status: 'ok' })
    expect((await statsOf(admin)).d1.queries - before).toBeLessThanOrEqual(4) // the two looks themselves
  })
})

describe('writes', () => {
  it('create, change, publish, unpublish and delete', async () => {
    const created = await editor.request('/api/content', {
      method: 'POST',
      body: { collection: 'posts', slug: 'life', title: 'Born' },
    })
    expect([created.status, created.headers.get('Location')]).toEqual([
      201,
      expect.stringMatching(/^\/api\/content\//),
    ])
    const { id, version, status } = await itemOf(created)
    expect([version, status]).toEqual([1, 'draft'])
    const path = `/api/content/${id}`
    expect((await api.request(path)).status).toBe(404)
    expect(
      (await itemOf(await editor.request(path, { method: 'PUT', body: { title: 'Grown' } }))).version,
    ).toBe(2)
    const published = await editor.request(`${path}/publish`, { method: 'POST' })
    expect(await itemOf(published)).toMatchObject({ status: 'published', version: 3, title: 'Grown' })
    expect((await api.request(path)).status).toBe(200)
    expect((await itemsOf(await api.request('/api/content'))).some((item) => item.id === id)).toBe(true)
    expect((await itemOf(await editor.request(`${path}/unpublish`, { method: 'POST' }))).status).toBe('draft')
    expect((await api.request(path)).status).toBe(404)
    expect((await itemsOf(await api.request('/api/content'))).some((item) => item.id === id)).toBe(false)
    expect((await editor.request(path, { method: 'DELETE' })).status).toBe(204)
    expect((await editor.request(path)).status).toBe(404)
    expect((await editor.request(path, { method: 'DELETE' })).status).toBe(404)
  })

  it('carry a bookmark, as header and cookie', async () => {
    const response = await editor.request(post, { method: 'PUT', body: { title: 'Marked' } })
    const bookmark = response.headers.get('Cache-Bookmark')
    expect(bookmark).toMatch(/^[0-9a-f]+\.\d+$/)
    expect(response.headers.get('Set-Cookie')).toContain(`freshet-bookmark=${bookmark}`)
  })

  it('keep If-Match: 412 for who has not seen the newest', async () => {
    const seen = (await api.request(post)).headers.get('ETag') ?? ''
    const put = (title: string, ifMatch: string) =>
      editor.request(post, { method: 'PUT', body: { title }, headers: { 'If-Match': ifMatch } })
    const first = await put('First', seen)
    expect(first.status).toBe(200)
    const late = await put('Late', seen)
    expect([late.status, (await problemOf(late)).title]).toEqual([412, 'Precondition Failed'])
    expect((await put('Next', first.headers.get('ETag') ?? '')).status).toBe(200)
    expect((await put('Any', '*')).status).toBe(200)
    expect(
      (
        await editor.request('/api/content/nobody', {
          method: 'PUT',
          body: { title: 'x' },
          headers: { 'If-Match': '*' },
        })
      ).status,
    ).toBe(404)
  })

  it('do many at once, with a result for each', async () => {
    const ids = [await newDraft('bulk-1'), await newDraft('bulk-2')]
    const body = { action: 'publish', ids: [...ids, 'nobody'] }
    const response = await editor.request('/api/content/bulk', { method: 'POST', body })
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      data: [...ids.map((id) => ({ id, status: 'ok' })), { id: 'nobody', status: 'not_found' }],
      meta: { total: 3 },
    })
    for (const id of ids) expect((await api.request(`/api/content/${id}`)).status).toBe(200)
  })

  it("show an author's new name in the posts and lists that show it, and in no others", async () => {
    const item = await itemOf(await api.request(post))
    const list = '/api/content?limit=100'
    await api.request(list)
    const others = await itemsOf(await api.request(list))
    const other = others.find(({ author }) => author !== null && author.id !== item.author?.id)
    await api.request(`/api/content/${other?.id}`)
    await admin.request(`/api/users/${item.author?.id}`, { method: 'PUT', body: { name: 'Renamed' } })
    expect((await itemOf(await api.request(post))).author?.name).toBe('Renamed')
    const shown = (await itemsOf(await api.request(list))).find(({ id }) => id === item.id)
    expect(shown?.author?.name).toBe('Renamed')
    expect((await api.request(`/api/content/${other?.id}`)).headers.get('X-Cache-Status')).toBe('HIT')
  })

  it('empty no lists of another collection', async () => {
    await api.request('/api/collections/news/content')
    await editor.request(post, { method: 'PUT', body: { title: 'Elsewhere' } })
    expect((await api.request('/api/collections/news/content')).headers.get('X-Cache-Status')).toBe('HIT')
    expect((await api.request('/api/collections/posts/content')).headers.get('X-Cache-Status')).toBe('MISS')
  })

  it('set no configuration that the client believes to be there and is not', async () => {
    const put = (headers: Record<string, string>) =>
      admin.request('/api/config/new-key', { method: 'PUT', body: { value: 1 }, headers })
    expect((await put({ 'If-Match': '"seen"' })).status).toBe(412)
    expect((await put({})).status).toBe(200)
  })

  it('manage media, users, configuration and plugins', async () => {
    const media = await editor.request(`/api/media/${seedMediaId(1)}`, {
      method: 'PUT',
      body: { alt: 'New words' },
    })
    expect([media.status, await media.json()]).toEqual([
      200,
      { data: expect.objectContaining({ alt: 'New words', version: 2 }) },
    ])
    const user = { email: 'new@example.com', name: 'New', role: 'viewer', password: 'long enough' }
    const created = await admin.request('/api/users', { method: 'POST', body: user })
    expect(created.status).toBe(201)
    expect((await admin.request('/api/users', { method: 'POST', body: user })).status).toBe(422)
    const login = await api.request('/auth/login', {
      method: 'POST',
      body: { email: user.email, password: user.password },
    })
    expect(login.status).toBe(200)
    const config = await admin.request('/api/config/site', {
      method: 'PUT',
      body: { value: { name: 'Renamed site' } },
    })
    expect(config.status).toBe(200)
    expect(await (await api.request('/api/config/site')).json()).toMatchObject({
      data: { value: { name: 'Renamed site' } },
    })
    const plugins = v.parse(
      v.looseObject({ data: v.array(v.looseObject({ id: v.string(), status: v.string() })) }),
      await (await admin.request('/api/plugins')).json(),
    )
    const [plugin] = plugins.data
    const action = plugin?.status === 'active' ? 'deactivate' : 'activate'
    expect((await admin.request(`/api/plugins/${plugin?.id}/${action}`, { method: 'POST' })).status).toBe(200)
    expect((await admin.request('/api/plugins/none/activate', { method: 'POST' })).status).toBe(404)
  })
})

describe('rights', () => {
  it.each([
    ['GET', '/api/users/u', 401, 403],
    ['GET', '/api/plugins', 401, 403],
    ['GET', '/api/content?status=draft', 401, 403],
    ['GET', '/api/collections/posts/content?status=any', 401, 403],
    ['POST', '/api/content', 401, 403],
    ['PUT', '/api/config/site', 401, 403],
    ['DELETE', post, 401, 403],
    ['POST', '/api/media', 401, 403],
    ['GET', '/admin/cache/stats', 401, 403],
    ['POST', '/admin/cache/invalidate', 401, 403],
    ['GET', '/admin/cache/nothing-here', 401, 403],
    ['POST', '/api/users', 401, 403],
  ])('%s %s: %i for nobody, %i for a viewer', async (method, path, anonymous, forbidden) => {
    const body = method === 'GET' || method === 'DELETE' ? undefined : {}
    expect((await api.request(path, { method, body })).status).toBe(anonymous)
    expect((await viewer.request(path, { method, body })).status).toBe(forbidden)
  })

  it('hide drafts from all but editors', async () => {
    const id = await newDraft('secret')
    for (const reader of [api, viewer]) expect((await reader.request(`/api/content/${id}`)).status).toBe(404)
    const seen = await editor.request(`/api/content/${id}`)
    expect([seen.status, seen.headers.get('Cache-Control')]).toEqual([200, 'private, no-store'])
    // Whoever may not see it cannot tell it from nothing: the same headers, first from D1 and then from memory.
    const shown = (response: Response) =>
      [...response.headers.keys()].filter((name) => name !== 'content-length').join()
    const hidden = await api.request('/api/content/slug/posts/secret')
    const absent = await api.request('/api/content/slug/posts/not-even-secret')
    expect([hidden.status, shown(hidden)]).toEqual([404, shown(absent)])
    expect(await hidden.text()).toBe(await absent.text())
  })

  it('leave no site without an administrator by mistake', async () => {
    const refused = await admin.request('/api/users/user-admin', { method: 'DELETE' })
    expect(refused.status).toBe(409)
    const demoted = await admin.request('/api/users/user-admin', { method: 'PUT', body: { role: 'viewer' } })
    expect(demoted.status).toBe(409)
  })

  it('hide private configuration as if it were not there', async () => {
    await admin.request('/api/config/private-key', {
      method: 'PUT',
      body: { value: 'secret', isPublic: false },
    })
    for (const reader of [api, editor])
      expect((await reader.request('/api/config/private-key')).status).toBe(404)
    expect((await admin.request('/api/config/private-key')).headers.get('Cache-Control')).toBe(
      'private, no-store',
    )
  })

  it('let a viewer see their own profile, privately', async () => {
    const { data: me } = v.parse(
      v.object({ data: v.looseObject({ id: v.string() }) }),
      await (await viewer.request('/auth/me')).json(),
    )
    const own = await viewer.request(`/api/users/${me.id}`)
    expect([own.status, own.headers.get('Cache-Control')]).toEqual([200, 'private, no-store'])
    expect(await (await viewer.request(`/api/users/${me.id}/permissions`)).json()).toEqual({
      data: { role: 'viewer', permissions: [] },
    })
    expect((await admin.request(`/api/users/${me.id}`)).status).toBe(200)
    expect(await own.text()).not.toContain('pbkdf2')
  })

  it('end with the logout, and refuse what was never given out', async () => {
    const session = await api.login('viewer')
    expect((await session.request('/auth/me')).status).toBe(200)
    expect((await session.request('/auth/logout', { method: 'POST', body: {} })).status).toBe(204)
    expect((await session.request('/auth/me')).status).toBe(401)
    expect((await api.as('never-given-out').request(post)).status).toBe(401)
    expect((await api.request(post, { headers: { Authorization: 'Basic abc' } })).status).toBe(401)
    for (const credentials of [
      { email: 'viewer@example.com', password: 'wrong' },
      { email: 'nobody@example.com', password: 'wrong' },
    ]) {
      const response = await api.request('/auth/login', { method: 'POST', body: credentials })
      expect([response.status, (await problemOf(response)).detail]).toEqual([
        401,
        'E-mail address or password are wrong.',
      ])
    }
  })

  it('take the session cookie, but not from a page of another site', async () => {
    const login = await api.request('/auth/login', {
      method: 'POST',
      body: { email: 'editor@example.com', password: 'freshet-dev' },
    })
    const set = login.headers.getSetCookie().find((cookie) => cookie.startsWith('__Host-freshet=')) ?? ''
    expect(set).toContain('HttpOnly')
    expect(set).toContain('Secure')
    expect(set).toContain('SameSite=Lax')
    const Cookie = set.split(';')[0] ?? ''
    expect((await api.request('/auth/me', { headers: { Cookie } })).status).toBe(200)
    const forged = await api.request(`${post}/unpublish`, {
      method: 'POST',
      headers: { Cookie, Origin: 'https://evil.example' },
    })
    expect(forged.status).toBe(403)
    const json = {
      method: 'PUT',
      body: { title: 'Forged' },
      headers: { Cookie, Origin: 'https://evil.example' },
    }
    expect((await api.request(post, json)).status).toBe(403)
    const own = await api.request(`${post}/publish`, {
      method: 'POST',
      headers: { Cookie, Origin: 'https://site.example' },
    })
    expect(own.status).toBe(200)
    expect((await api.request(post, { headers: { Cookie: '__Host-freshet=expired' } })).status).toBe(200)
  })

  it('open the API to the origins of CORS_ORIGINS', async () => {
    const preflight = {
      method: 'OPTIONS',
      headers: { Origin: 'https://site.example', 'Access-Control-Request-Method': 'PUT' },
    }
    const open = await api.request(post, preflight)
    expect(open.headers.get('Access-Control-Allow-Origin')).toBe('https://site.example')
    const answer = await api.request(post, { headers: { Origin: 'https://site.example' } })
    for (const name of ['ETag', 'Cache-Status', 'Cache-Bookmark', 'X-Cache-Status']) {
      expect(answer.headers.get('Access-Control-Expose-Headers')).toContain(name)
    }
    const closed = await api.request(post, { headers: { Origin: 'https://evil.example' } })
    expect(closed.headers.get('Access-Control-Allow-Origin')).toBe(null)
  })
})

describe('bad input', () => {
  it.each([
    [{ slug: 'Not A Slug' }, 422, 'slug'],
    [{ title: '' }, 422, 'title'],
    [{ status: 'gone' }, 422, 'status'],
    [{ data: [] }, 422, 'data'],
    [{ nonsense: 1 }, 422, 'nonsense'],
    [{}, 422, 'body'],
    ['{', 400, 'body'],
    ['null', 422, 'body'],
    [{ authorId: 'nobody' }, 422, 'authorId'],
    [{ featuredMediaId: 'nothing' }, 422, 'featuredMediaId'],
  ])('PUT %j: %i naming the field', async (body, status, field) => {
    const response = await editor.request(post, { method: 'PUT', body })
    expect(response.status).toBe(status)
    expect((await problemOf(response)).errors?.map((error) => error.field)).toContain(field)
  })

  it.each([
    'limit=0',
    'limit=101',
    'limit=x',
    'offset=-1',
    'sortBy=secret',
    'sortDirection=up',
    'status=gone',
    'unknown=1',
    'limit=1&limit=2',
    '__proto__=1',
  ])('list with %s: 400 naming the parameter', async (query) => {
    const response = await api.request(`/api/content?${query}`)
    expect(response.status).toBe(400)
    expect((await problemOf(response)).errors?.map((error) => error.field)).toContain(query.split('=')[0])
  })

  const unknown = 'is not known here; known are:'
  it.each([
    ['GET', '/api/content?limti=1', undefined, new RegExp(`^limti: ${unknown} limit, offset, .*featured$`)],
    [
      'GET',
      '/api/content?status=gone',
      undefined,
      'status: must be one of "draft", "published", .*, not "gone"',
    ],
    ['POST', '/api/content', { collection: 'posts', slug: 'x' }, 'title: is required'],
    ['POST', '/api/content', [], 'body: must be an object, not an array'],
    ['PUT', post, [], 'body: must be an object, not an array'],
    ['PUT', post, {}, 'body: must name at least one field to change'],
    ['PUT', post, { titel: 'x' }, `titel: ${unknown} title, slug, status, data, authorId, featuredMediaId`],
    ['PUT', post, { authorId: 'x'.repeat(1025) }, 'authorId: must have at most 1,024 characters'],
    ['POST', '/api/content/bulk', { action: 'delete', ids: [] }, 'ids: must not be empty'],
    ['POST', '/api/content/bulk', { action: 'delete', ids: 'x' }, 'ids: must be an array, not "x"'],
    ['POST', '/api/content/bulk', { action: 'delete', ids: [5] }, 'ids.0: must be a string, not 5'],
    ['PUT', `/api/media/${seedMediaId(0)}`, { size: -0.5 }, 'size: must be a whole number'],
    ['PUT', `/api/media/${seedMediaId(0)}`, { width: 0 }, 'width: must be at least 1'],
    ['GET', `/api/content/${'a'.repeat(3000)}`, undefined, ': id must have at most 1,024 characters.'],
    ['GET', `/api/config/${'a'.repeat(3000)}`, undefined, ': key must be 1 to 64 of'],
  ])('says it in words of its own: %s %s %j', async (method, path, body, words) => {
    const { detail } = await problemOf(await editor.request(path, { method, body }))
    expect(detail).toMatch(new RegExp(words))
    expect(detail).not.toMatch(/Invalid|Expected/)
  })

  it('refuses a taken slug, an unknown collection, a wrong type, too large a body', async () => {
    const { collection, slug } = await itemOf(await api.request(post))
    const create = (body: unknown) => editor.request('/api/content', { method: 'POST', body })
    const taken = await create({ collection, slug, title: 'Twice' })
    expect([taken.status, (await problemOf(taken)).errors?.[0]?.field]).toEqual([422, 'slug'])
    const nowhere = await create({ collection: 'nowhere', slug: 'a', title: 'x' })
    expect([nowhere.status, (await problemOf(nowhere)).errors?.[0]?.field]).toEqual([422, 'collection'])
    const text = await editor.request('/api/content', {
      method: 'POST',
      body: 'a=1',
      headers: { 'Content-Type': 'text/plain' },
    })
    expect(text.status).toBe(415)
    const large = await create({
      collection,
      slug: 'large',
      title: 'x',
      data: { text: 'x'.repeat(1_100_000) },
    })
    expect(large.status).toBe(413)
  })

  it('answers 404 with a problem document where nothing is', async () => {
    for (const path of [
      '/api/content/nobody',
      '/api/media/nothing',
      '/api/config/nothing',
      '/api/collections/nowhere/content',
      '/nowhere',
      '/api/content/slug/posts/nothing',
    ]) {
      const response = await api.request(path)
      expect([path, response.status, (await problemOf(response)).status]).toEqual([path, 404, 404])
    }
  })

  it.each([
    ['PATCH', post, 'GET, HEAD, PUT, DELETE'],
    ['PUT', '/api/content', 'GET, HEAD, POST'],
    ['GET', '/events', 'POST'],
    ['GET', '/auth/login', 'POST'],
    ['DELETE', '/health', 'GET, HEAD'],
    ['DELETE', `${post}/publish`, 'POST'],
  ])('answers 405 to %s %s, with the methods that there are', async (method, path, allow) => {
    const response = await api.request(path, { method })
    expect([response.status, response.headers.get('Allow')]).toEqual([405, allow])
    expect(await problemOf(response)).toMatchObject({
      title: 'Method Not Allowed',
      status: 405,
      detail: `There is no ${method} ${path}: this path takes ${allow}.`,
    })
  })

  it('leaves HEAD and OPTIONS as they are', async () => {
    expect((await api.request(post, { method: 'HEAD' })).status).toBe(200)
    for (const method of ['HEAD', 'OPTIONS'])
      expect((await api.request('/events', { method })).headers.get('Allow')).toBe(null)
  })

  it('says at / where to go', async () => {
    const response = await api.request('/')
    const { status, detail } = await problemOf(response)
    expect([response.status, status]).toEqual([404, 404])
    for (const path of ['/health', '/api/content', '/admin/cache']) expect(detail).toContain(path)
  })
})

describe("the operator's part", () => {
  it('counts what this isolate did', async () => {
    const before = await statsOf(admin)
    await api.request(post)
    await api.request(post)
    const after = await statsOf(admin)
    const hits = (stats: typeof after) => stats.namespaces.content?.memoryHits ?? 0
    expect(hits(after) - hits(before)).toBeGreaterThanOrEqual(1)
    expect(after.total.hitRate).toBeGreaterThan(0)
  })

  it('tells its health', async () => {
    const health = await (await admin.request('/admin/cache/health')).json()
    expect(health).toMatchObject({
      success: true,
      data: { status: 'ok', scope: 'isolate', fence: { behind: 0 }, pipeline: { deadLetters: 0 } },
      timestamp: expect.any(String),
    })
    for (const name of ['d1', 'kv', 'fenceLag', 'verification'])
      expect(health).toHaveProperty(
        'data.checks',
        expect.arrayContaining([expect.objectContaining({ name, status: 'ok' })]),
      )
  })

  it('invalidates by pattern, and refuses what is none', async () => {
    await api.request(post)
    const answer = await admin.request('/admin/cache/invalidate', {
      method: 'POST',
      body: { pattern: 'item:*', namespace: 'content' },
    })
    expect(await answer.json()).toMatchObject({
      success: true,
      data: { pattern: 'content:item:*', bookmark: expect.any(String) },
    })
    expect((await api.request(post)).headers.get('X-Cache-Status')).toBe('MISS')
    for (const body of [{ pattern: '' }, { pattern: 'content:po*' }, {}, { pattern: 'a', extra: 1 }, '{']) {
      const refused = await admin.request('/admin/cache/invalidate', { method: 'POST', body })
      expect([refused.status, await refused.json()]).toEqual([
        400,
        { success: false, error: expect.any(String) },
      ])
    }
    const nothing = await admin.request('/admin/cache/nothing-here')
    expect([nothing.status, await nothing.json()]).toEqual([
      404,
      { success: false, error: expect.any(String) },
    ])
    const nobody = await api.as('never-given-out').request('/admin/cache/stats')
    expect([nobody.status, await nobody.json()]).toEqual([401, { success: false, error: expect.any(String) }])
  })

  it('answers 405 in its own shape, to administrators', async () => {
    const response = await admin.request('/admin/cache/warm', { method: 'DELETE' })
    expect([response.status, response.headers.get('Allow'), await response.json()]).toEqual([
      405,
      'POST',
      { success: false, error: 'There is no DELETE /admin/cache/warm: this path takes POST.' },
    ])
    expect((await viewer.request('/admin/cache/warm', { method: 'DELETE' })).status).toBe(403)
  })

  it('says so where a pattern begins with no namespace, and logs it all the same', async () => {
    const invalidate = async (body: unknown) => {
      const response = await admin.request('/admin/cache/invalidate', { method: 'POST', body })
      return v.parse(v.looseObject({ success: v.literal(true) }), await response.json())
    }
    expect(await invalidate({ pattern: 'cntent:item:1' })).toMatchObject({
      data: { pattern: 'cntent:item:1', bookmark: expect.any(String) },
      message: expect.stringMatching(/no namespace is called "cntent".*There are: content, user, /),
    })
    for (const pattern of ['content:item:1', '*:item:1'])
      expect(await invalidate({ pattern })).not.toHaveProperty('message')
  })

  it.each([
    ['GET', '/stats/nope', undefined],
    ['POST', '/warm/nope', { keys: ['1'] }],
    ['POST', '/clear/nope', undefined],
    ['POST', '/invalidate', { pattern: 'item:1', namespace: 'nope' }],
    ['GET', '/analytics/trends?namespace=nope', undefined],
    ['GET', '/browser?namespace=nope', undefined],
    ['GET', '/browser?tier=kv&namespace=nope', undefined],
    ['GET', '/browser/nope/item%3A1', undefined],
  ])(
    'knows no other namespaces: %s %s is a 404 that names those that there are',
    async (method, path, body) => {
      const response = await admin.request(`/admin/cache${path}`, { method, body })
      expect([response.status, await response.json()]).toEqual([
        404,
        {
          success: false,
          error: 'There is no namespace "nope". There are: content, user, config, media, api, session.',
        },
      ])
    },
  )

  it('checks with D1 on Cache-Control: no-cache, for those who are logged in', async () => {
    await api.request(post)
    const anonymous = await api.request(post, { headers: { 'Cache-Control': 'no-cache' } })
    expect(anonymous.headers.get('Server-Timing')).not.toContain('fence')
    const strong = await viewer.request(post, { headers: { 'Cache-Control': 'no-cache' } })
    expect(strong.headers.get('Server-Timing')).toContain('fence')
  })
})
