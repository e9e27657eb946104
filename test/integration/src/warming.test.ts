import { seedPostId } from '@freshet/cms/seed'
import { quickStatistics } from '@freshet/dev'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, eventually, startTestStack, type TestStack } from './support/stack.ts'

const Warming = v.object({
  data: v.object({
    lastHour: v.object({
      lanes: v.record(v.string(), v.object({ outcomes: v.record(v.string(), v.number()) })),
      hits: v.object({ total: v.number(), onWarmed: v.number() }),
    }),
    popular: v.array(v.looseObject({ key: v.nullable(v.string()), score: v.number() })),
  }),
})

describe('warming', () => {
  let world: TestStack
  let admin: Api
  let oldApi: Api
  let newApi: Api

  beforeAll(async () => {
    // A deploy of a new version: the consumer has it, one API Worker does, another one still has the old.
    const [env, apiVars] = [{ CACHE_VERSION: 'new' }, [{ CACHE_VERSION: 'old' }, {}]]
    world = await startTestStack({ apiWorkers: 2, env, apiVars, configure: quickStatistics })
    const [first, second] = world.apis
    if (first === undefined || second === undefined) throw new Error('two API Workers were asked for')
    oldApi = first
    newApi = second
    admin = await oldApi.login('admin')
  })
  afterAll(() => world.stop())

  const warming = async () =>
    v.parse(Warming, await (await admin.request('/admin/cache/warming')).json()).data
  const loaded = async () =>
    Object.values((await warming()).lastHour.lanes).reduce(
      (sum, lane) => sum + (lane.outcomes.loaded ?? 0),
      0,
    )
  const sourceOf = async (api: Api, path: string) => {
    const response = await api.request(path)
    await response.arrayBuffer()
    return [response.headers.get('X-Cache-Status'), response.headers.get('X-Cache-Source')]
  }
  const popularPath = `/api/content/${seedPostId(7)}`

  it('knows from the isolates what is read much', async () => {
    for (let i = 0; i < 20; i++) await sourceOf(oldApi, popularPath)
    await new Promise((resolve) => setTimeout(resolve, 12_000))
    // An isolate tells behind an answer, when it is time.
    await sourceOf(oldApi, popularPath)
    await eventually('the post is known to be popular', async () => {
      const { popular } = await warming()
      return popular.some(({ key, score }) => key === `content:item:${seedPostId(7)}` && score > 10)
    })
  }, 40_000)

  it('loads what is popular, and what every page needs, under a new version before its traffic comes', async () => {
    const before = await loaded()
    const response = await admin.request('/admin/cache/warm', { method: 'POST', body: {} })
    expect(response.status).toBe(202)
    await eventually('the jobs are done', async () => (await loaded()) >= before + 10)
    for (const path of [popularPath, '/api/config/menus', '/api/content'])
      expect([path, ...(await sourceOf(newApi, path))]).toEqual([
        path,
        'HIT',
        expect.stringMatching(/kv|memory/),
      ])
    // The old version's entries are its own.
    expect(await sourceOf(oldApi, '/api/collections')).toEqual(['MISS', 'database'])
  }, 30_000)

  it('is for administrators only', async () => {
    expect((await newApi.request('/admin/cache/warm', { method: 'POST', body: {} })).status).toBe(401)
    const editor = await newApi.login('editor')
    expect((await editor.request('/admin/cache/warm', { method: 'POST', body: {} })).status).toBe(403)
  })
})
