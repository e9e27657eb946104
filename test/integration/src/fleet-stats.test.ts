import { seedPostId } from '@freshet/cms/seed'
import { quickStatistics } from '@freshet/dev'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, eventually, startTestStack, type TestStack } from './support/stack.ts'

const Quantiles = v.nullable(
  v.object({ count: v.number(), p50: v.number(), p99: v.number(), max: v.number() }),
)
const Figures = v.object({
  reads: v.number(),
  memoryHits: v.number(),
  kvHits: v.number(),
  misses: v.number(),
  stale: v.number(),
  hitRate: v.nullable(v.number()),
  loads: v.number(),
  loadBytes: v.number(),
  loadRows: v.number(),
  kvReads: v.number(),
  kvWrites: v.number(),
  invalidByFence: v.number(),
  fenceLagMs: Quantiles,
  latencyMs: v.object({ kvRead: Quantiles, load: Quantiles }),
  saved: v.object({ queries: v.number(), usd: v.number() }),
})
const Span = v.object({
  from: v.string(),
  to: v.string(),
  total: v.intersect([Figures, v.object({ isolates: v.number(), d1: v.object({ queries: v.number() }) })]),
  namespaces: v.record(v.string(), Figures),
})
const Stats = v.object({ data: v.object({ fleet: v.nullable(v.object({ lastHour: Span, lastDay: Span })) }) })
const Trends = v.object({
  data: v.object({
    stepSeconds: v.number(),
    points: v.array(v.looseObject({ at: v.string(), reads: v.number(), hitRate: v.nullable(v.number()) })),
  }),
})

describe('the statistics of two API Workers', () => {
  let world: TestStack
  let admin: Api
  /** What the client saw: answers by their source, of reads in the namespace `content`. */
  const seen = { memory: 0, kv: 0, database: 0 }

  beforeAll(async () => {
    world = await startTestStack({ apiWorkers: 2, configure: quickStatistics })
    admin = await world.api.login('admin')
  })
  afterAll(() => world.stop())

  const read = async (api: Api, post: number) => {
    const response = await api.request(`/api/content/${seedPostId(post)}`)
    await response.arrayBuffer()
    expect(response.status).toBe(200)
    seen[v.parse(v.picklist(['memory', 'kv', 'database']), response.headers.get('X-Cache-Source'))]++
  }
  const get = async (path: string) => (await admin.request(`/admin/cache${path}`)).json()
  const fleet = async () => v.parse(Stats, await get('/stats')).data.fleet
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

  it('are what the client counted itself, once all is told', async () => {
    const reads = 300
    for (let i = 0; i < reads; i += 10) {
      // Both at once, some of them for the same post: whoever joins another's load is counted as well.
      const together = Array.from({ length: 10 }, (_, n) =>
        read(world.apis[n % 2] ?? world.api, 1 + (((i + n - (n % 4)) * 7) % 20)),
      )
      await Promise.all(together)
      if (i === reads / 2) {
        const init = { method: 'PUT', body: { title: 'Another title' } }
        expect((await admin.request(`/api/content/${seedPostId(3)}`, init)).status).toBe(200)
      }
    }
    // Until here nothing may have been told, and nothing more than was counted.
    const early = (await fleet())?.lastHour.namespaces.content?.reads ?? 0
    expect(early).toBeLessThanOrEqual(reads)
    // An isolate tells at most every 10 s, the less often the more it serves, and behind an answer.
    await wait(22_000)
    for (const api of world.apis) await read(api, 1)
    await eventually('all reads are in the statistics', async () => {
      return ((await fleet())?.lastHour.namespaces.content?.reads ?? 0) >= reads + 2
    })
    const hour = (await fleet())?.lastHour
    const content = hour?.namespaces.content
    expect(content).toMatchObject({ reads: reads + 2, stale: 0 })
    expect({ memory: content?.memoryHits, kv: content?.kvHits, database: content?.misses }).toEqual(seen)
    expect(content?.hitRate).toBeCloseTo((seen.memory + seen.kv) / (reads + 2))
    expect(content?.fenceLagMs?.count).toBe(seen.memory + seen.kv)
    // Bounded by Δ, but for how coarse the histogram is.
    expect(content?.fenceLagMs?.max).toBeLessThan(5_000 * 1.0625)
    expect(content?.latencyMs.load?.count).toBe(content?.loads)
    expect(content?.latencyMs.kvRead?.count).toBe(content?.kvReads)
    expect(content?.loadRows).toBeGreaterThan(0)
    expect(content?.loadBytes).toBeGreaterThan(1_000)
    expect(hour?.total.isolates).toBeGreaterThan(0)
    expect(hour?.total.reads).toBeGreaterThanOrEqual(reads + 2)
    // And so says the dashboard: one namespace, and all of them together.
    const shown = async (path: string, label: string) => {
      const page = await admin.request(`/admin/cache${path}`, { headers: { Accept: 'text/html' } })
      const text = (await page.text()).replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ')
      return Number(text.split(` ${label} `)[1]?.split(' ')[0]?.replaceAll(',', ''))
    }
    expect(await shown('/ui/namespaces/content', 'Reads')).toBe(reads + 2)
    const total = (await fleet())?.lastHour.total.reads ?? 0
    const onOverview = await shown('', 'Reads')
    expect(onOverview).toBeGreaterThanOrEqual(total)
    expect(onOverview).toBeLessThanOrEqual((await fleet())?.lastHour.total.reads ?? 0)
    // The day's figures are made of the same minutes.
    expect((await fleet())?.lastDay.namespaces.content).toEqual(content)
  }, 60_000)

  it('are the same over time, for one namespace, and after they were rolled up', async () => {
    const sum = async (query: string) => {
      const { points } = v.parse(Trends, await get(`/analytics/trends${query}`)).data
      return [points.length, points.reduce((all, { reads }) => all + reads, 0)]
    }
    const before = [await sum('?namespace=content'), await sum('?span=day&namespace=content')]
    expect(before).toEqual([
      [60, 302],
      [24, 302],
    ])
    await world.cron()
    expect([await sum('?namespace=content'), await sum('?span=day&namespace=content')]).toEqual(before)
    const one = v.parse(
      v.object({
        data: v.object({
          namespace: v.literal('content'),
          policy: v.object({ maxStalenessMs: v.literal(5_000), ttlSeconds: v.number() }),
          lastHour: v.nullable(Figures),
          trend: v.object({ points: v.array(v.unknown()) }),
          isolate: v.nullable(v.object({ memoryHits: v.number() })),
        }),
      }),
      await get('/stats/content'),
    ).data
    expect(one.lastHour?.reads).toBe(302)
    expect(one.isolate?.memoryHits).toBeGreaterThan(0)
    expect((await admin.request('/admin/cache/stats/nonsense')).status).toBe(404)
    expect((await admin.request('/admin/cache/stats/__proto__')).status).toBe(404)
    expect((await admin.request('/admin/cache/stats/session')).status).toBe(200)
    expect((await admin.request('/admin/cache/analytics/trends?span=year')).status).toBe(400)
  })

  it('say what is read most, and what to change', async () => {
    const Key = v.object({
      key: v.nullable(v.string()),
      namespace: v.nullable(v.string()),
      score: v.number(),
      share: v.number(),
    })
    const top = v.parse(
      v.object({ data: v.object({ items: v.array(Key) }) }),
      await get('/analytics/top-keys?limit=5'),
    )
    expect(top.data.items).toHaveLength(5)
    expect(top.data.items[0]?.namespace).toBe('content')
    const Advice = v.object({ kind: v.string(), figures: v.record(v.string(), v.number()) })
    const advice = v.parse(
      v.object({ data: v.object({ items: v.array(Advice) }) }),
      await get('/analytics/recommendations'),
    )
    expect(advice.data.items).toEqual([])
    const summary = v.parse(
      v.object({
        data: v.object({
          lastWeek: Span,
          namespaces: v.array(v.object({ namespace: v.string(), share: v.number() })),
          topKeys: v.array(Key),
          recommendations: v.array(Advice),
        }),
      }),
      await get('/analytics'),
    ).data
    expect(summary.namespaces[0]).toMatchObject({ namespace: 'content' })
    expect(summary.lastWeek.namespaces.content?.reads).toBe(302)
    expect(summary.topKeys.length).toBeGreaterThan(0)
  })

  it('can be scraped', async () => {
    const response = await admin.request('/admin/cache/metrics')
    expect(response.headers.get('Content-Type')).toBe(
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    )
    const text = await response.text()
    expect(text).toContain(`freshet_reads_total{namespace="content",outcome="memory_hit"} ${seen.memory}.0\n`)
    expect(text.endsWith('# EOF\n')).toBe(true)
  })

  it('are for administrators only', async () => {
    const editor = await world.api.login('editor')
    for (const path of ['stats', 'stats/content', 'analytics', 'analytics/trends', 'metrics'])
      expect((await editor.request(`/admin/cache/${path}`)).status).toBe(403)
  })
})
