import { readFileSync } from 'node:fs'
import { seedBatches } from '@freshet/cms/seed'
import { dropTriggers } from '@freshet/cms/triggers'
import { type LocalOptions, type LocalStack, modulesOf, startLocal, wrappedWorker } from '@freshet/dev'
import * as v from 'valibot'
import { unstable_splitSqlQuery } from 'wrangler'

/** One API Worker of a test's stack. */
export interface Api {
  url: string
  /** Of the session that its requests are sent with. */
  token: string | undefined
  /** Sends a request; a body that is no string goes as JSON. */
  request(
    path: string,
    init?: { method?: string; body?: unknown; headers?: Record<string, string>; signal?: AbortSignal },
  ): Promise<Response>
  /** The same as some user. */
  as(token: string): Api
  login(role: 'admin' | 'editor' | 'viewer'): Promise<Api>
}

export interface TestStack {
  stack: LocalStack
  apis: Api[]
  /** The first API Worker. */
  api: Api
  /** Makes bindings fail or lag; needs `chaos: true`. */
  chaos(api: Api, settings: Record<string, string | number>): Promise<Record<string, unknown>>
  /** Runs the consumer's cron as of a minute in which the warm batch is due, or not. */
  cron(options?: { warm: boolean }): Promise<void>
  stop(): Promise<void>
}

const CHAOS = readFileSync(new URL('./chaos-worker.js', import.meta.url), 'utf8')

/** Starts both Workers in workerd, over a small seeded database that goes with the test. */
export async function startTestStack(
  options: LocalOptions & { chaos?: boolean; posts?: number } = {},
): Promise<TestStack> {
  const { chaos = false, posts = 40, ...local } = options
  const stack = await startLocal({
    port: 0,
    cronSeconds: 0,
    seed: [
      // Should a migration have brought triggers: the tests say for themselves who writes the log.
      ...unstable_splitSqlQuery(dropTriggers()).map((sql) => ({ sql, params: [] })),
      ...seedBatches({ posts, users: 10, media: 20, plugins: 4, localUsers: true, allPublished: true }),
    ],
    onOutput: (line) => process.env.SHOW_WORKERS && console.log(line),
    ...(chaos && { configure: wrapWithChaos }),
    ...local,
  })
  const apis = stack.urls.map((url) => apiAt(url))
  const [api] = apis
  if (api === undefined) throw new Error('a stack has an API Worker')
  return {
    stack,
    apis,
    api,
    async chaos(target, settings) {
      const response = await target.request('/__chaos', { method: 'POST', body: settings })
      return v.parse(v.record(v.string(), v.unknown()), await response.json())
    },
    async cron({ warm } = { warm: false }) {
      const worker = await stack.miniflare.getWorker('freshet-consumer')
      const minute = warm ? 0 : 60_000
      await worker.scheduled({ scheduledTime: new Date(minute), cron: '* * * * *' })
    },
    stop: () => stack.stop(),
  }
}

const wrapWithChaos: NonNullable<LocalOptions['configure']> = (options) =>
  modulesOf(options)[0]?.path.startsWith('freshet-api') ? wrappedWorker(options, 'withChaos', CHAOS) : options

function apiAt(url: string, token?: string): Api {
  const request: Api['request'] = (path, { method = 'GET', body, headers = {}, signal } = {}) =>
    fetch(`${url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal && { signal }),
    })
  return {
    url,
    token,
    request,
    as: (other) => apiAt(url, other),
    async login(role) {
      const credentials = { email: `${role}@example.com`, password: 'freshet-dev' }
      const response = await request('/auth/login', { method: 'POST', body: credentials })
      const { data } = v.parse(v.object({ data: v.object({ token: v.string() }) }), await response.json())
      return apiAt(url, data.token)
    },
  }
}

const Item = v.looseObject({
  id: v.string(),
  collection: v.string(),
  slug: v.string(),
  title: v.string(),
  status: v.string(),
  version: v.number(),
  author: v.nullable(v.object({ id: v.string(), name: v.string() })),
  featuredMedia: v.nullable(v.looseObject({ id: v.string() })),
})
export type Item = v.InferOutput<typeof Item>

/** The content item of an answer. */
export async function itemOf(response: Response): Promise<Item> {
  const body: unknown = await response.json()
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${JSON.stringify(body)}`)
  return v.parse(v.object({ data: Item }), body).data
}

/** The content items of a list. */
export async function itemsOf(response: Response): Promise<Item[]> {
  return v.parse(v.looseObject({ data: v.array(Item) }), await response.json()).data
}

/** The counters of an API Worker's isolate. */
export async function statsOf(admin: Api) {
  const Counts = v.looseObject({
    memoryHits: v.number(),
    kvHits: v.number(),
    misses: v.number(),
    loads: v.number(),
    hitRate: v.nullable(v.number()),
  })
  const Stats = v.object({
    success: v.literal(true),
    data: v.looseObject({
      namespaces: v.record(v.string(), Counts),
      total: Counts,
      d1: v.looseObject({ queries: v.number(), batches: v.number() }),
      kv: v.looseObject({ writes: v.number(), errors: v.number() }),
      fence: v.looseObject({ head: v.number() }),
    }),
    timestamp: v.string(),
  })
  return v.parse(Stats, await (await admin.request('/admin/cache/stats')).json()).data
}

/** Waits until something is so, as real queues need it. @throws when it is not so in time */
export async function eventually(what: string, check: () => Promise<boolean>, ms = 15_000): Promise<void> {
  const deadline = performance.now() + ms
  while (performance.now() < deadline) {
    if (await check()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`not within ${ms} ms: ${what}`)
}
