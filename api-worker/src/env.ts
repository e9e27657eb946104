import { type CacheSettings, Isolate, parseSettings, SettingsError } from '@freshet/cache-core'
import { CACHE_CONFIGS } from '@freshet/cms'
import * as v from 'valibot'

/** The bindings of wrangler.jsonc, and variables, which may hold anything before they are parsed. */
export interface Env {
  DB: D1Database
  CACHE: KVNamespace
  EVENTS: Queue
  [variable: string]: unknown
}

/** What a Worker's environment comes to, once an isolate. */
export interface Setup {
  isolate: Isolate
  settings: CacheSettings
  /** Origins whose pages may call the API; `*` for all of them, without credentials. */
  corsOrigins: readonly string[]
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
  const settings = gather(() => parseSettings(env), problems)
  if (!cors.success || settings === null) throw new SettingsError(problems)
  return { isolate: new Isolate({ configs: CACHE_CONFIGS, settings }), settings, corsOrigins: cors.output }
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
