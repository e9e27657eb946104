import { CacheService, type Source, systemRuntime } from '@freshet/cache-core'
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

/** The repositories of one request: each is made when it is first asked for, since most requests need one at most. */
export class Repositories {
  readonly #cache: CacheService
  #config: ConfigRepository | null = null
  #collections: CollectionRepository | null = null
  #content: ContentRepository | null = null
  #media: MediaRepository | null = null
  #plugins: PluginRepository | null = null
  #sessions: SessionRepository | null = null
  #users: UserRepository | null = null

  constructor(cache: CacheService) {
    this.#cache = cache
  }

  get collections(): CollectionRepository {
    this.#collections ??= new CollectionRepository(this.#cache)
    return this.#collections
  }

  get config(): ConfigRepository {
    this.#config ??= new ConfigRepository(this.#cache, this.#cache.db, systemRuntime)
    return this.#config
  }

  get content(): ContentRepository {
    this.#content ??= new ContentRepository(this.#cache, this.#cache.db, systemRuntime)
    return this.#content
  }

  get media(): MediaRepository {
    this.#media ??= new MediaRepository(this.#cache, this.#cache.db, systemRuntime)
    return this.#media
  }

  get plugins(): PluginRepository {
    this.#plugins ??= new PluginRepository(this.#cache, this.#cache.db, systemRuntime)
    return this.#plugins
  }

  get sessions(): SessionRepository {
    this.#sessions ??= new SessionRepository(this.#cache, this.#cache.db, systemRuntime)
    return this.#sessions
  }

  get users(): UserRepository {
    this.#users ??= new UserRepository(this.#cache, this.#cache.db, systemRuntime)
    return this.#users
  }
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
    /** What a read's answer is made from. */
    answered?: { source: Source<unknown>; isItem: boolean }
    /** For the lines that are logged of the request. */
    requestId: string
  }
}

/** The cache as one request sees it. */
export function cacheOf(
  env: Env,
  { isolate }: Pick<Setup, 'isolate'>,
  waitUntil: (promise: Promise<unknown>) => void,
  requestId: string,
): CacheService {
  return new CacheService(isolate, {
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
}
