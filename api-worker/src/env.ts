import {
  type CacheService,
  type CacheSettings,
  Isolate,
  parseSettings,
  SettingsError,
  StatsFlusher,
  sharedByLocation,
} from '@freshet/cache-core'
import { CACHE_CONFIGS } from '@freshet/cms'
import * as v from 'valibot'
import { parseSecret } from './auth/webhook.ts'
import { RecentAnswers } from './http/recent-answers.ts'

/** The bindings of wrangler.jsonc, and variables, which may hold anything before they are parsed. */
export interface Env {
  DB: D1Database
  CACHE: KVNamespace
  EVENTS: Queue
  STATS: Queue
  [variable: string]: unknown
}

/** What a Worker's environment comes to, once an isolate. */
export interface Setup {
  isolate: Isolate
  settings: CacheSettings
  /** Tells the consumer what this isolate counts. */
  flusher: StatsFlusher
  /** Origins whose pages may call the API; `*` for all of them, without credentials. */
  corsOrigins: readonly string[]
  /** Whether the isolate's warm-up has begun: its first request that reads anything starts it. */
  isWarmed: boolean
  /** What looks into memory for requests that need no more; null before the first. */
  peeking: CacheService | null
  /** The addresses that were answered lately. */
  recent: RecentAnswers
  /** Keys that requests to `/events` are signed with; none: it takes nothing. */
  eventSecrets: readonly Uint8Array<ArrayBuffer>[]
}

const Origin = v.pipe(
  v.string(),
  v.check((text) => text === '*' || (URL.canParse(text) && new URL(text).origin === text)),
)
const CorsOrigins = v.pipe(
  v.optional(v.string(), ''),
  v.transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  ),
  v.array(Origin),
)

/**
 * Reads a Worker's environment.
 * @throws SettingsError naming each bad variable, what it holds and what it may hold
 */
export function setUp(env: Readonly<Record<string, unknown>>): Setup {
  const problems: string[] = []
  const cors = v.safeParse(CorsOrigins, env.CORS_ORIGINS)
  if (!cors.success) {
    const held = JSON.stringify(env.CORS_ORIGINS)
    problems.push(
      `CORS_ORIGINS is ${held}; it may be "*", or origins such as https://example.com, separated by commas`,
    )
  }
  const eventSecrets = gather(() => parseEventSecrets(env.EVENTS_SECRET), problems)
  const settings = gather(() => parseSettings(env), problems)
  if (!cors.success || settings === null || eventSecrets === null) throw new SettingsError(problems)
  const { locationOrigin } = settings
  const isolate = new Isolate({
    configs: CACHE_CONFIGS,
    settings,
    ...(locationOrigin !== null && { location: sharedByLocation(caches.default, locationOrigin) }),
  })
  return {
    isolate,
    settings,
    flusher: new StatsFlusher(isolate),
    corsOrigins: cors.output,
    isWarmed: false,
    peeking: null,
    recent: new RecentAnswers(),
    eventSecrets,
  }
}

/** Two at most: the new one, and the old one until all producers have the new one. */
function parseEventSecrets(text: unknown): Uint8Array<ArrayBuffer>[] {
  if (text === undefined || text === '') return []
  const secrets = typeof text === 'string' ? text.trim().split(/\s+/).map(parseSecret) : [null]
  const known = secrets.filter((secret) => secret !== null)
  if (known.length < secrets.length || known.length > 2) {
    // The answer to everybody says this, so what the variable holds stays out of it.
    throw new SettingsError([
      'EVENTS_SECRET holds something else than it may: one or two secrets, separated by a space, each whsec_ and 24 to 64 bytes in base64',
    ])
  }
  return known
}

function gather<T>(read: () => T, problems: string[]): T | null {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    problems.push(...error.problems)
    return null
  }
}
