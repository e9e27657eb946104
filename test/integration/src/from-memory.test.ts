import { seedMediaId, seedPostId } from '@freshet/cms/seed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rewritten } from './support/rewritten.ts'
import { type Api, itemOf, startTestStack, type TestStack } from './support/stack.ts'

/** Told apart by a header that only this test's bundle sends. */
const MARK = 'X-From-Memory'

let world: TestStack
let open: Api
let cors: Api
let editor: Api

beforeAll(async () => {
  const find = 'headers.set(REQUEST_ID_HEADER, requestId);'
  world = await startTestStack({
    apiWorkers: 2,
    apiVars: [{}, { CORS_ORIGINS: 'https://site.example' }],
    configure: rewritten('freshet-api', find, `${find} headers.set("${MARK}", "1");`),
  })
  const [first, second] = world.apis
  if (first === undefined || second === undefined) throw new Error('there are two')
  open = first
  cors = second
  editor = await open.login('editor')
})
afterAll(() => world.stop())

const ITEM = `/api/content/${seedPostId(3)}`
const PATHS = [
  ITEM,
  '/api/content',
  '/api/content?featured=true&limit=3',
  '/api/collections',
  '/api/media?limit=2',
  `/api/media/${seedMediaId(1)}`,
  '/api/config/site',
]
const isMarked = (answer: Response) => answer.headers.get(MARK) === '1'

/** Asks until the app has remembered the address. */
async function remember(api: Api, path: string, headers: Record<string, string> = {}): Promise<void> {
  for (let i = 0; i < 3; i++) await (await api.request(path, { headers })).text()
}

/** All that an answer says, but for what is of the moment. */
async function said(answer: Response) {
  const moment = [MARK.toLowerCase(), 'x-request-id', 'x-cache-ttl', 'cache-status', 'date']
  const headers = [...answer.headers].filter(([name]) => !moment.includes(name)).sort()
  const cacheStatus = answer.headers.get('Cache-Status')?.replace(/\d+/, 'N')
  return { status: answer.status, headers, cacheStatus, body: await answer.text() }
}

describe('an answer from memory before the app is asked', () => {
  it.each(PATHS)('%s: is what the app answers, header by header', async (path) => {
    for (const api of [open, cors]) {
      await remember(api, path)
      const [early, late] = [
        await api.request(path),
        await api.request(path, { headers: { Cookie: 'theme=dark' } }),
      ]
      expect([isMarked(early), isMarked(late)]).toEqual([true, false])
      expect(early.headers.get('X-Cache-Source')).toBe('memory')
      expect(early.headers.get('X-Request-Id')).not.toBe(late.headers.get('X-Request-Id'))
      expect(early.headers.get('X-Cache-TTL')).toMatch(/^\d+$/)
      expect(await said(early)).toEqual(await said(late))
    }
  })

  it('is a 304 to who has it, with the same headers as the app’s', async () => {
    await remember(open, ITEM)
    const etag = (await open.request(ITEM)).headers.get('ETag') ?? ''
    const early = await open.request(ITEM, { headers: { 'If-None-Match': etag } })
    const late = await open.request(ITEM, { headers: { 'If-None-Match': etag, Cookie: 'theme=dark' } })
    expect([early.status, isMarked(early), isMarked(late)]).toEqual([304, true, false])
    expect(await said(early)).toEqual(await said(late))
    const other = await open.request(ITEM, { headers: { 'If-None-Match': '"x"' } })
    expect([other.status, isMarked(other)]).toEqual([200, true])
  })

  it.each([
    ['Cookie', '__Host-freshet=x'],
    ['Cache-Bookmark', 'ab.0'],
  ])('is for nobody who sends %s', async (name, value) => {
    await remember(open, ITEM)
    expect(isMarked(await open.request(ITEM, { headers: { [name]: value } }))).toBe(false)
  })

  it('is for nobody who logs in, nor for another method', async () => {
    await remember(open, ITEM)
    expect(isMarked(await editor.request(ITEM))).toBe(false)
    expect(isMarked(await open.request(ITEM, { method: 'HEAD' }))).toBe(false)
    expect((await open.request(ITEM, { headers: { Authorization: 'Bearer x' } })).status).toBe(401)
  })

  it('leaves origins to the app, where they make a difference', async () => {
    const headers = { Origin: 'https://site.example' }
    await remember(cors, ITEM, headers)
    await remember(cors, ITEM)
    const answer = await cors.request(ITEM, { headers })
    expect(isMarked(answer)).toBe(false)
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('https://site.example')
    expect(isMarked(await open.request(ITEM, { headers }))).toBe(true)
  })

  it('follows each write, and hides what is hidden again', async () => {
    const body = { collection: 'posts', slug: 'from-memory', title: 'First', data: {}, status: 'published' }
    const { id } = await itemOf(await editor.request('/api/content', { method: 'POST', body }))
    const path = `/api/content/${id}`
    await remember(open, path)
    expect(isMarked(await open.request(path))).toBe(true)
    await editor.request(path, { method: 'PUT', body: { title: 'Second' } })
    expect(await (await open.request(path)).text()).toContain('Second')
    await remember(open, path)
    const again = await open.request(path)
    expect(isMarked(again)).toBe(true)
    expect(await again.text()).toContain('Second')
    await editor.request(`${path}/unpublish`, { method: 'POST' })
    for (let i = 0; i < 3; i++) {
      const hidden = await open.request(path)
      expect([hidden.status, isMarked(hidden)]).toEqual([404, false])
      // The editor's own read puts the draft into this isolate's memory.
      expect((await editor.request(path)).status).toBe(200)
    }
  })
})

it('/health asks nobody for anything; the first read warms the isolate up', async () => {
  const chaotic = await startTestStack({ chaos: true })
  try {
    const batches = async () => (await chaotic.chaos(chaotic.api, {})).d1Batches
    expect((await chaotic.api.request('/health')).status).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(await batches()).toBe(0)
    await chaotic.api.request('/api/nothing')
    await expect.poll(batches).toBeGreaterThan(0)
  } finally {
    await chaotic.stop()
  }
})
