import { startCron } from '../local/cron.ts'
import type { LocalStack } from '../local/running-stack.ts'
import { type LocalOptions, startLocal } from '../local/start-local.ts'
import { CmsClient, type D1Use } from './cms-client.ts'
import { HttpClient } from './http-client.ts'

/** These two are replayed against; one more has its cache off, over the same database. */
const CACHED_WORKERS = 2

const CRON_SECONDS = 60
const FIRST_CRON_SECONDS = 3
/** No hour in which the full warm-up could be due. */
const NOON = Date.UTC(2000, 0, 1, 12)

/** When the consumer's cron has a warm batch due. */
export const WARM_MINUTE = new Date(NOON)

/** Who writes, and who may see the stats. */
export interface Users {
  editor: string
  admin: string
  password: string
}

/** A started stack with somebody logged in. */
export interface Session {
  stack: LocalStack
  /** The API Workers with the cache on, and with it off. */
  cached: readonly string[]
  uncached: readonly string[]
  editor: CmsClient
  /** What these Workers have asked of D1 so far. */
  d1Use(urls: readonly string[]): Promise<D1Use>
  /**
   * Has the consumer's cron run each minute while `work` does, as of one minute after another past noon. Without `warm` the
   * minute stays one in which no warm batch is due.
   */
  withCron<T>(warm: boolean, work: () => Promise<T>): Promise<T>
}

/** Starts the Workers, calls `use`, and stops them again. */
export async function inSession<T>(
  options: LocalOptions,
  users: Users,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const stack = await startLocal({
    port: 0,
    apiWorkers: CACHED_WORKERS + 1,
    apiVars: [...Array.from({ length: CACHED_WORKERS }, () => ({})), { CACHE_ENABLED: 'false' }],
    cronSeconds: 0,
    ...options,
  })
  const http = new HttpClient()
  try {
    const [url = ''] = stack.urls
    const editor = new CmsClient(http)
    const admin = new CmsClient(http)
    await editor.login(url, users.editor, users.password)
    await admin.login(url, users.admin, users.password)
    return await use({
      stack,
      cached: stack.urls.slice(0, CACHED_WORKERS),
      uncached: stack.urls.slice(CACHED_WORKERS),
      editor,
      d1Use: async (urls) => sum(await Promise.all(urls.map((one) => admin.d1Use(one)))),
      withCron: (warm, work) => withCron(stack, warm, options.onOutput ?? (() => {}), work),
    })
  } finally {
    http.close()
    await stack.stop()
  }
}

async function withCron<T>(
  stack: LocalStack,
  warm: boolean,
  onOutput: NonNullable<LocalOptions['onOutput']>,
  work: () => Promise<T>,
): Promise<T> {
  let minute = 0
  const stopCron = startCron({
    seconds: CRON_SECONDS,
    firstSeconds: FIRST_CRON_SECONDS,
    run: () => {
      minute = warm ? minute + 1 : 1
      return stack.runCron(new Date(NOON + minute * 60_000))
    },
    onError: (error) => onOutput(String(error), 'error'),
  })
  try {
    return await work()
  } finally {
    stopCron()
  }
}

function sum(uses: readonly D1Use[]): D1Use {
  return uses.reduce(
    (total, { queries, batches }) => ({
      queries: total.queries + queries,
      batches: total.batches + batches,
    }),
    { queries: 0, batches: 0 },
  )
}
