import { seedPostId } from '@freshet/cms/seed'
import { afterEach, describe, expect, it } from 'vitest'
import { type Api, itemOf, startTestStack, statsOf, type TestStack } from './support/stack.ts'

let world: TestStack
afterEach(() => world.stop())

/** One look at everything that must be right whatever is switched off or broken. */
async function answersCorrectly(api: Api): Promise<void> {
  const editor = await api.login('editor')
  const path = `/api/content/${seedPostId(1)}`
  const { version } = await itemOf(await api.request(path))
  const written = await itemOf(
    await editor.request(path, { method: 'PUT', body: { title: 'Written all the same' } }),
  )
  expect(written.version).toBe(version + 1)
  for (let i = 0; i < 3; i++)
    expect((await itemOf(await api.request(path))).title).toBe('Written all the same')
  const response = await api.request(path)
  const again = await api.request(path, { headers: { 'If-None-Match': response.headers.get('ETag') ?? '' } })
  expect(again.status).toBe(304)
  expect((await api.request('/api/content?limit=2')).status).toBe(200)
  expect((await api.request('/api/content/nobody')).status).toBe(404)
  expect((await editor.request('/auth/logout', { method: 'POST', body: {} })).status).toBe(204)
  expect((await editor.request('/auth/me')).status).toBe(401)
}

describe('the API answers correctly', () => {
  it('with CACHE_ENABLED=false, and still logs its writes', async () => {
    world = await startTestStack({ env: { CACHE_ENABLED: 'false' } })
    await answersCorrectly(world.api)
    expect((await world.api.request(`/api/content/${seedPostId(1)}`)).headers.get('X-Cache-Status')).toBe(
      'BYPASS',
    )
    const [rows] = await world.stack.sql([
      { sql: `SELECT * FROM invalidation_log WHERE type = 'content.update'`, params: [] },
    ])
    expect(rows).toHaveLength(1)
  })

  it('with CACHE_KV_ENABLED=false', async () => {
    world = await startTestStack({ env: { CACHE_KV_ENABLED: 'false' } })
    await answersCorrectly(world.api)
    const { keys } = await (await world.stack.miniflare.getKVNamespace('CACHE', 'freshet-api-1')).list({
      prefix: 'content:',
    })
    expect(keys).toEqual([])
  })

  it('with KV failing on each call', async () => {
    world = await startTestStack({ chaos: true })
    await world.chaos(world.api, { kv: 'KV GET failed: 500' })
    await answersCorrectly(world.api)
    expect((await statsOf(await world.api.login('admin'))).kv.errors).toBeGreaterThan(0)
  })

  it('with the queue refusing each message', async () => {
    world = await startTestStack({ chaos: true })
    await world.chaos(world.api, { events: 'overloaded' })
    await answersCorrectly(world.api)
  })

  it('from what it has, labelled, while D1 is down; and with a problem where it has nothing', async () => {
    world = await startTestStack({ chaos: true, env: { CACHE_MAX_STALENESS_MS: '200' } })
    const path = `/api/content/${seedPostId(1)}`
    await world.api.request(path)
    await world.chaos(world.api, { d1: 'network connection lost' })
    await new Promise((resolve) => setTimeout(resolve, 250))
    const stale = await world.api.request(path)
    expect([stale.status, stale.headers.get('X-Cache-Status')]).toEqual([200, 'STALE'])
    expect(stale.headers.get('Cache-Status')).toContain('detail=stale-if-error')
    const nothing = await world.api.request(`/api/content/${seedPostId(2)}`)
    expect([nothing.status, nothing.headers.get('Retry-After')]).toEqual([503, '5'])
    await world.chaos(world.api, { d1: 'ok' })
    await expect
      .poll(async () => (await world.api.request(`/api/content/${seedPostId(2)}`)).status, {
        timeout: 10_000,
      })
      .toBe(200)
  })
})

describe('the operator’s part, while D1 is down', () => {
  const UI = '/admin/cache/ui'
  const asPage = { Accept: 'text/html' }

  it('says that D1 is not reachable, and asks nobody to log in again', async () => {
    const lines: Record<string, unknown>[] = []
    world = await startTestStack({
      chaos: true,
      env: { CACHE_MAX_STALENESS_MS: '200' },
      onOutput: (line) => {
        if (line.startsWith('{')) lines.push(JSON.parse(line))
      },
    })
    const { api } = world
    const form = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
      api.request(path, {
        method: 'POST',
        body: new URLSearchParams(fields).toString(),
        headers: {
          ...asPage,
          'Content-Type': 'application/x-www-form-urlencoded',
          Origin: api.url,
          ...headers,
        },
      })
    const asAdmin = { email: 'admin@example.com', password: 'freshet-dev' }
    const said = async (response: Response) => [response.status, await response.text()] as const
    const entered = await form(`${UI}/login`, asAdmin)
    expect(entered.status).toBe(303)
    const cookie = {
      Cookie: entered.headers
        .getSetCookie()
        .map((one) => one.split(';')[0])
        .join('; '),
    }
    const page = () => api.request('/admin/cache', { headers: { ...asPage, ...cookie } })
    expect((await page()).status).toBe(200)
    const post = `/api/content/${seedPostId(1)}`
    await api.request(post)

    await world.chaos(api, { d1: 'network connection lost' })
    await new Promise((resolve) => setTimeout(resolve, 300))
    // Who has no cookie can have the form, which asks nobody. To send it is what fails, in words.
    expect((await api.request(`${UI}/login`, { headers: asPage })).status).toBe(200)
    const refused = await form(`${UI}/login`, asAdmin)
    const requestId = refused.headers.get('X-Request-Id')
    expect(await said(refused)).toEqual([
      503,
      expect.stringMatching(
        /role="alert">D1 is not reachable, so nobody can be logged in.*value="admin@example.com"/s,
      ),
    ])
    expect(lines).toContainEqual(expect.objectContaining({ level: 'error', requestId }))
    const unrecognised = [
      503,
      expect.stringMatching(/<html.*D1 is not reachable, so nobody can be recognised/s),
    ]
    expect(await said(await page())).toEqual(unrecognised)
    expect(await said(await api.request(`${UI}/login`, { headers: { ...asPage, ...cookie } }))).toEqual(
      unrecognised,
    )
    for (const path of [`${UI}/clear`, `${UI}/logout`])
      expect(await said(await form(path, {}, cookie))).toEqual(unrecognised)
    const health = await api.request('/admin/cache/health', { headers: cookie })
    expect([health.status, health.headers.get('Retry-After'), await health.json()]).toEqual([
      503,
      '5',
      { success: false, error: expect.stringContaining('D1 is not reachable') },
    ])
    expect((await api.request('/admin/cache/health')).status).toBe(401)
    // The cookie of a write's bookmark would rule out a stale answer.
    const stale = await api.request(post, {
      headers: { Cookie: cookie.Cookie.replace(/freshet-bookmark=[^;]*/, '') },
    })
    expect([stale.status, stale.headers.get('X-Cache-Status')]).toEqual([200, 'STALE'])

    await world.chaos(api, { d1: 'ok' })
    await expect.poll(async () => (await page()).status, { timeout: 10_000 }).toBe(200)
  })

  it('tells a program that the dashboard is for browsers, and where to ask instead', async () => {
    world = await startTestStack()
    const admin = await world.api.login('admin')
    const response = await admin.request('/admin/cache')
    expect([response.status, await response.json()]).toEqual([
      404,
      { success: false, error: expect.stringMatching(/for browsers.*\/admin\/cache\/stats/) },
    ])
  })
})

describe('settings', () => {
  it('that are bad answer 503 and name the variable, what it holds and what it may hold', async () => {
    world = await startTestStack({
      configure: (options) => ({ ...options, bindings: { ...options.bindings, CACHE_DEFAULT_TTL: 'soon' } }),
    })
    const response = await world.api.request('/health')
    expect(response.status).toBe(503)
    expect(await response.text()).toMatch(/CACHE_DEFAULT_TTL is .*soon.*; it may be whole seconds from 60/)
  })
})
