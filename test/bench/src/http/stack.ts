import { seedBatches, seedPostId } from '@freshet/cms/seed'
import { type LocalStack, startLocal } from '@freshet/dev'
import * as v from 'valibot'

const POSTS = 2_000
/** As many items and pages as take turns where memory must not have them. */
const TURNS = 64

/** Headers of the connection, which the server makes itself. */
const OWN_HEADERS = ['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding']

/** API Workers with settings of their own, and what they are compared with, in one workerd. */
export interface HttpStack {
  stack: LocalStack
  /** With the cache as it is; with KV, but no room in memory; without a cache. */
  cached: string
  throughKv: string
  uncached: string
  /** Behind other libraries. */
  peers: string
  /** Bare handlers: with prepared headers, and with a plain object of them. */
  prepared: string
  plain: string
}

/** The same post through all of it. */
export const ITEM = `/api/content/${seedPostId(7)}`
export const ITEM_ID = seedPostId(7)
export const ITEMS = Array.from({ length: TURNS }, (_, i) => `/api/content/${seedPostId(i + 1)}`)
export const LIST = '/api/content'
export const LISTS = Array.from({ length: TURNS }, (_, i) => `${LIST}?offset=${20 * i}`)

/** Starts it; `stack.stop()` ends it. */
export async function startHttpStack(): Promise<HttpStack> {
  const main = (name: string) => new URL(`./${name}-worker.js`, import.meta.url).pathname
  const stack = await startLocal({
    port: 0,
    cronSeconds: 0,
    apiWorkers: 3,
    apiVars: [{}, { CACHE_MAX_ENTRIES: '1' }, { CACHE_ENABLED: 'false' }],
    others: [
      { name: 'static-prepared', main: main('static') },
      { name: 'static-plain', main: main('static') },
      { name: 'peers', main: main('peers') },
    ],
    seed: seedBatches({ posts: POSTS, users: 50, media: 100, plugins: 4, allPublished: true }),
    onOutput: (line, kind) => kind === 'error' && console.error(line),
  })
  const [cached = '', throughKv = '', uncached = ''] = stack.urls
  const [prepared = '', plain = '', peers = ''] = stack.otherUrls
  return { stack, cached, throughKv, uncached, peers, prepared, plain }
}

/** Has the bare handlers answer what `url` answers. @returns how many bytes that is */
export async function copyAnswer(url: string, to: readonly { url: string; isPrepared: boolean }[]) {
  const answer = await fetch(url)
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => !OWN_HEADERS.includes(name)))
  const body = await answer.text()
  for (const { url: target, isPrepared } of to) {
    const taken = await fetch(target, { method: 'POST', body: JSON.stringify({ headers, body, isPrepared }) })
    await expectStatus(taken, 204)
  }
  return new TextEncoder().encode(body).length
}

/** Asks for some paths until each comes from where it should, since a bench of another tier would say nothing. */
export async function expectSource(origin: string, paths: readonly string[], source: string): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const sources = new Set<string | null>()
    for (const path of paths) {
      const answer = await fetch(origin + path)
      await answer.arrayBuffer()
      await expectStatus(answer, 200)
      sources.add(answer.headers.get('X-Cache-Source'))
    }
    if (sources.size === 1 && sources.has(source)) return
    // KV is filled behind the answers.
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${origin} does not answer ${paths[0]} from ${source}`)
}

/** @throws Error where another library answers something else than we do */
export async function expectSameValue(origin: string, path: string, as: string): Promise<void> {
  const Data = v.object({ data: v.unknown() })
  const [own, theirs] = await Promise.all(
    [as, origin + path].map(async (url) => v.parse(Data, await (await fetch(url)).json())),
  )
  if (JSON.stringify(own) !== JSON.stringify(theirs)) throw new Error(`${path} is not what ${as} answers`)
}

async function expectStatus(answer: Response, status: number): Promise<void> {
  if (answer.status !== status) throw new Error(`${answer.url} answers ${answer.status}`)
}
