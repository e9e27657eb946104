import { CacheService, systemRuntime } from '@freshet/cache-core'
import {
  CollectionRepository,
  ConfigRepository,
  ContentRepository,
  MediaRepository,
  PluginRepository,
  SessionRepository,
  type SessionValue,
  UserRepository,
} from '@freshet/cms'
import type { Env, Setup } from './env.ts'
import { logLine } from './http/request-id.ts'

/** The repositories of one request. */
interface Repositories {
  collections: CollectionRepository
  config: ConfigRepository
  content: ContentRepository
  media: MediaRepository
  plugins: PluginRepository
  sessions: SessionRepository
  users: UserRepository
}

/** Who asks, and how they said so. */
export interface Actor {
  session: SessionValue
  /** SHA-256 of their token. */
  hash: string
}

/** Hono's types for this app. */
export interface AppEnv {
  Bindings: Env
  Variables: {
    setup: Setup
    cache: CacheService
    repositories: Repositories
    /** Null: anonymous. */
    actor: Actor | null
    /** Set where somebody sent a cookie, and D1 did not say whose it is: they count as nobody, and must not be told to log in. */
    isUnrecognised?: true
    /** For the lines that are logged of the request. */
    requestId: string
  }
}

/** Builds what one request works with. Repositories are cheap: they hold no state of their own. */
export function requestContext(
  env: Env,
  { isolate }: Setup,
  waitUntil: (promise: Promise<unknown>) => void,
  requestId: string,
): Pick<AppEnv['Variables'], 'cache' | 'repositories'> {
  const cache = new CacheService(isolate, {
    db: env.DB,
    kv: env.CACHE,
    events: env.EVENTS,
    waitUntil,
    requestId,
    // From here on the event's id leads on: to its batch, and to the warm jobs that follow.
    committed: (events) => {
      for (const event of events) logLine('info', requestId, event)
    },
  })
  const clock = systemRuntime
  return {
    cache,
    repositories: {
      collections: new CollectionRepository(cache),
      config: new ConfigRepository(cache, cache.db, clock),
      content: new ContentRepository(cache, cache.db, clock),
      media: new MediaRepository(cache, cache.db, clock),
      plugins: new PluginRepository(cache, cache.db, clock),
      sessions: new SessionRepository(cache, cache.db, clock),
      users: new UserRepository(cache, cache.db, clock),
    },
  }
}
