import { seedPostId } from '@freshet/cms/seed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, eventually, itemOf, startTestStack, type TestStack } from './support/stack.ts'

/** Δ of all namespaces here. */
const STALENESS_MS = 1_000
/** Clocks of whole milliseconds: the Worker’s and ours. */
const SLACK_MS = 5
const POSTS = 40

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const pathOf = (n: number) => `/api/content/${seedPostId(n)}`

/** When each version of each post was known to be committed, and what of it nobody may go back behind. */
class History {
  readonly #acked = new Map<number, { version: number; at: number }[]>()
  reads = 0
  readonly violations: string[] = []

  committed(post: number, version: number): void {
    const acked = this.#acked.get(post) ?? []
    acked.push({ version, at: performance.now() })
    this.#acked.set(post, acked)
  }

  /** The newest version that a read which begins now may not go behind. */
  floor(post: number, startedAt: number): number {
    const old = (this.#acked.get(post) ?? []).filter(({ at }) => at < startedAt - STALENESS_MS - SLACK_MS)
    return Math.max(1, ...old.map(({ version }) => version))
  }

  check(what: string, version: number, floor: number): void {
    this.reads++
    if (version < floor) this.violations.push(`${what}: version ${version}, but ${floor} was due`)
  }
}

describe('CACHE_ROLLOUT_PERCENT', () => {
  const percents = [0, 10, 10, 50, 50, 100]
  let world: TestStack
  let apis: Api[]

  beforeAll(async () => {
    world = await startTestStack({
      posts: POSTS,
      apiWorkers: percents.length,
      apiVars: percents.map((percent) => ({
        CACHE_ROLLOUT_PERCENT: String(percent),
        CACHE_MAX_STALENESS_MS: String(STALENESS_MS),
      })),
    })
    const editor = await world.api.login('editor')
    if (editor.token === undefined) throw new Error('an editor has a token')
    const { token } = editor
    apis = world.apis.map((api) => api.as(token))
  })
  afterAll(() => world.stop())

  /** Posts that a Worker serves through the cache. */
  async function served(api: Api): Promise<number[]> {
    const posts: number[] = []
    for (let n = 1; n <= POSTS; n++) {
      const response = await api.request(pathOf(n))
      if (response.headers.get('X-Cache-Status') !== 'BYPASS') posts.push(n)
      await response.body?.cancel()
    }
    return posts
  }

  it('puts a key on the same side in all Workers of one percentage, and never takes it back on the way up', async () => {
    const [none, ten, tenToo, half, halfToo, all] = await Promise.all(apis.map(served))
    expect(none).toEqual([])
    expect(ten).toEqual(tenToo)
    expect(half).toEqual(halfToo)
    expect(half).toEqual(expect.arrayContaining(ten ?? []))
    expect(all).toHaveLength(POSTS)
    expect(half?.length).toBeGreaterThan(POSTS / 4)
    expect(half?.length).toBeLessThan((POSTS * 3) / 4)
  })

  it('goes 0, 10, 50, 100, 0 under load without one stale read, and no client goes back in time', async () => {
    const history = new History()
    const outcomes = new Map<string, number>()
    // Each phase of a rolling deploy has Workers of two percentages side by side.
    const phases = [[0], [0, 1, 2], [1, 2, 3, 4], [3, 4, 5], [5, 0], [0]]
    let live = phases[0] ?? []
    let isOver = false
    let turn = 0
    const next = (): Api => {
      const api = apis[live[turn++ % live.length] ?? 0]
      if (api === undefined) throw new Error('a phase has Workers')
      return api
    }

    async function writer(posts: readonly number[]) {
      for (let i = 0; !isOver; i++) {
        const post = posts[i % posts.length] ?? 1
        const response = await next().request(pathOf(post), { method: 'PUT', body: { title: `Turn ${i}` } })
        const bookmark = response.headers.get('Cache-Bookmark') ?? ''
        const { version } = await itemOf(response)
        history.committed(post, version)
        // Its own write, from whichever Worker.
        const own = await itemOf(
          await next().request(pathOf(post), { headers: { 'Cache-Bookmark': bookmark } }),
        )
        history.check(`own write of ${post}`, own.version, version)
        await sleep(40)
      }
    }

    /** Reads whatever comes; one that carries bookmarks never goes back. */
    async function reader(seed: number, carries: boolean) {
      const seen = new Map<number, number>()
      let bookmark = ''
      for (let i = seed; !isOver; i++) {
        const post = 1 + ((i * 7) % 10)
        const startedAt = performance.now()
        const due = Math.max(history.floor(post, startedAt), carries ? (seen.get(post) ?? 1) : 1)
        const headers: Record<string, string> =
          carries && bookmark !== '' ? { 'Cache-Bookmark': bookmark } : {}
        const response = await next().request(pathOf(post), { headers })
        const outcome = response.headers.get('X-Cache-Status') ?? ''
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
        bookmark = response.headers.get('Cache-Bookmark') ?? ''
        const { version } = await itemOf(response)
        history.check(`${carries ? 'client' : 'reader'} ${seed} of ${post}`, version, due)
        seen.set(post, version)
        await sleep(2)
      }
    }

    const all = [
      writer([1, 2, 3, 4, 5]),
      writer([6, 7, 8, 9, 10]),
      ...[1, 2, 3].map((seed) => reader(seed, false)),
      ...[4, 5, 6].map((seed) => reader(seed, true)),
    ]
    for (const phase of phases) {
      live = phase
      await sleep(2_500)
    }
    isOver = true
    await Promise.all(all)
    expect(history.violations).toEqual([])
    expect(history.reads).toBeGreaterThan(200)
    // Both sides were really in use.
    expect(outcomes.get('BYPASS') ?? 0).toBeGreaterThan(50)
    expect(outcomes.get('HIT') ?? 0).toBeGreaterThan(50)
    expect(outcomes.get('STALE')).toBe(undefined)
    console.log(
      JSON.stringify({
        reads: history.reads,
        stale: history.violations.length,
        ...Object.fromEntries(outcomes),
      }),
    )
  })
})

describe('CACHE_VERSION', () => {
  let world: TestStack
  let old: Api
  let fresh: Api
  let oldToo: Api
  const said: string[] = []

  beforeAll(async () => {
    world = await startTestStack({
      consumer: false,
      onOutput: (line) => said.push(line),
      apiWorkers: 3,
      apiVars: ['old', 'new', 'old'].map((CACHE_VERSION, place) => ({
        CACHE_VERSION,
        CACHE_DEBUG: String(place === 2),
        CACHE_MAX_STALENESS_MS: String(STALENESS_MS),
      })),
    })
    const [first, second, third] = world.apis
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('three API Workers')
    old = first
    fresh = second
    oldToo = third
  })
  afterAll(() => world.stop())

  it('old and new serve side by side: neither reads what the other has put into KV', async () => {
    const kv = await world.stack.miniflare.getKVNamespace('CACHE', 'freshet-api-1')
    const names = async () =>
      (await kv.list({ prefix: `content:item:${seedPostId(1)}:` })).keys.map(({ name }) => name)
    await old.request(pathOf(1))
    await eventually('the old one’s entry is in KV', async () => (await names()).length === 1)
    const sources = []
    for (const api of [fresh, oldToo]) {
      const response = await api.request(pathOf(1))
      sources.push(response.headers.get('X-Cache-Source'))
    }
    expect(sources).toEqual(['database', 'kv'])
    // The third one says so itself, and nobody else says anything.
    const decisions = () =>
      said.filter((line) => line.startsWith('{"cache":') && line.includes('"key":"content:item:'))
    await eventually('the decision is told', async () => decisions().length > 0)
    expect(decisions()).toHaveLength(1)
    expect(decisions()[0]).toContain('"outcome":"HIT","source":"kv","why":["memory: none","kv: valid"]')
    await eventually('both are in KV', async () => (await names()).length === 2)
    expect((await names()).map((name) => /:v(old|new)\./.exec(name)?.[1]).sort()).toEqual(['new', 'old'])
  })

  it('both see the writes of each other within the bound, and at once with the bookmark', async () => {
    const editor = await old.login('editor')
    if (editor.token === undefined) throw new Error('an editor has a token')
    for (const [writer, reader] of [
      [old, fresh],
      [fresh, old],
    ] as const) {
      const before = await itemOf(await reader.request(pathOf(2)))
      const response = await writer
        .as(editor.token)
        .request(pathOf(2), { method: 'PUT', body: { title: `Over ${before.version}` } })
      const headers = { 'Cache-Bookmark': response.headers.get('Cache-Bookmark') ?? '' }
      const { version } = await itemOf(response)
      expect(version).toBe(before.version + 1)
      expect((await itemOf(await reader.request(pathOf(2), { headers }))).version).toBe(version)
      await sleep(STALENESS_MS + SLACK_MS)
      for (const api of world.apis) expect((await itemOf(await api.request(pathOf(2)))).version).toBe(version)
    }
  })
})
