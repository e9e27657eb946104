import * as v from 'valibot'
import { isPlaceCount, MAX_PLACES, PLACES } from './fence/folded.ts'

/** The environment variables of the cache, read once. */
export interface CacheSettings {
  /** Off: all reads go to D1. Log rows are written all the same. */
  enabled: boolean
  kvEnabled: boolean
  /** Lifetime in seconds for namespaces without a policy of their own. */
  defaultTtl: number
  /** Cap of the memory tier over all namespaces, in bytes. */
  maxMemoryBytes: number
  maxEntries: number
  /** First part of every key's version: bump it to leave all cached values behind. */
  version: string
  /** Caps every Δ; null leaves the policies' own. */
  maxStalenessMs: number | null
  /** Share of keys served through the cache, 0 to 100; the same keys in every isolate. */
  rolloutPercent: number
  /** Log each decision. */
  debug: boolean
  /** Share of hits that are compared with D1 in the background, 0 to 1. */
  verifySample: number
  /** Who is told when health becomes critical; null: nobody. */
  alertWebhookUrl: string | null
  /** Origin of a custom domain of the Worker, where isolates of one location share entries through the Cache API; null: they do not. */
  locationOrigin: string | null
  /** Places that names share which the fence has folded; see `Folded`. */
  foldedPlaces: number
  /** The hour of the day, UTC, in which the consumer warms everything anew; null for never. */
  warmHourUtc: number | null
}

/** Thrown for settings that cannot be used; `problems` has a line for each. */
export class SettingsError extends Error {
  override name = 'SettingsError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/** With fewer, hardly a name would keep a place of its own. */
const LEAST_PLACES = 1_024

const flag = (fallback: boolean) =>
  v.pipe(
    v.optional(v.picklist(['true', 'false']), fallback ? 'true' : 'false'),
    v.transform((text) => text === 'true'),
  )
const number = (fallback: number | null, min: number, max: number, whole: boolean) =>
  v.pipe(
    v.optional(v.pipe(v.string(), v.regex(whole ? /^\d+$/ : /^\d+(\.\d+)?$/))),
    v.transform((text) => (text === undefined ? fallback : Number(text))),
    v.check((value) => value === null || (value >= min && value <= max)),
  )

/** One row a variable: how it is read, and what it may hold, in words for people. */
const VARIABLES = {
  CACHE_ENABLED: { schema: flag(true), allowed: '"true" or "false"' },
  CACHE_KV_ENABLED: { schema: flag(true), allowed: '"true" or "false"' },
  CACHE_DEFAULT_TTL: {
    schema: number(3600, 60, 2_592_000, true),
    allowed: 'whole seconds from 60 to 2592000',
  },
  CACHE_MAX_MEMORY_SIZE: {
    schema: number(50, 1, 100, false),
    allowed: 'megabytes from 1 to 100, of the 128 that an isolate has',
  },
  CACHE_MAX_ENTRIES: {
    schema: number(10_000, 1, 1_000_000, true),
    allowed: 'a whole number from 1 to 1000000',
  },
  CACHE_VERSION: {
    schema: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,32}$/)), '1'),
    allowed: '1 to 32 letters, digits, "_" or "-"',
  },
  CACHE_MAX_STALENESS_MS: {
    schema: number(null, 0, 3_600_000, true),
    allowed: 'whole milliseconds from 0 to 3600000',
  },
  CACHE_ROLLOUT_PERCENT: { schema: number(100, 0, 100, false), allowed: 'a number from 0 to 100' },
  CACHE_LOCATION_ORIGIN: {
    schema: v.optional(v.pipe(v.string(), v.check(isOrigin))),
    allowed: 'the origin of a custom domain of the Worker, such as https://api.example.com',
  },
  CACHE_FOLDED_PLACES: {
    schema: v.pipe(
      number(PLACES, LEAST_PLACES, MAX_PLACES, true),
      v.check((n) => n !== null && isPlaceCount(n)),
    ),
    allowed: `a power of two from ${LEAST_PLACES} to ${MAX_PLACES}`,
  },
  WARM_HOUR_UTC: {
    schema: v.pipe(
      v.optional(v.pipe(v.string(), v.regex(/^(off|\d|1\d|2[0-3])$/)), '3'),
      v.transform((text) => (text === 'off' ? null : Number(text))),
    ),
    allowed: 'a whole hour from 0 to 23, or "off"',
  },
  CACHE_DEBUG: { schema: flag(false), allowed: '"true" or "false"' },
  CACHE_VERIFY_SAMPLE: { schema: number(0.001, 0, 1, false), allowed: 'a number from 0 to 1' },
  ALERT_WEBHOOK_URL: {
    schema: v.optional(v.pipe(v.string(), v.check(isWebhook))),
    allowed: 'a URL that begins with https://',
    isSecret: true,
  },
} as const

function isOrigin(text: string): boolean {
  return URL.canParse(text) && text.startsWith('http') && new URL(text).origin === text
}

/** Without TLS only to the machine itself, as tests have it. */
function isWebhook(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1'].includes(hostname))
}

type Variable = keyof typeof VARIABLES

/**
 * Reads the cache's settings from a Worker's environment; variables that are not set have their defaults.
 * @throws SettingsError naming each bad variable, what it holds and what it may hold
 */
export function parseSettings(env: object): CacheSettings {
  const variables: Readonly<Record<string, unknown>> = { ...env }
  const problems: string[] = []
  function read<N extends Variable>(name: N): v.InferOutput<(typeof VARIABLES)[N]['schema']> | undefined {
    const { schema, allowed, ...more } = VARIABLES[name]
    const parsed = v.safeParse(schema, variables[name])
    if (parsed.success) return parsed.output as v.InferOutput<(typeof VARIABLES)[N]['schema']>
    // Everybody is told of a bad setting, so what a secret holds stays out of it.
    const held = 'isSecret' in more ? 'something else' : JSON.stringify(variables[name])
    problems.push(`${name} is ${held}; it may be ${allowed}`)
    return undefined
  }
  const settings = {
    enabled: read('CACHE_ENABLED') ?? true,
    kvEnabled: read('CACHE_KV_ENABLED') ?? true,
    defaultTtl: read('CACHE_DEFAULT_TTL') ?? 0,
    maxMemoryBytes: Math.floor((read('CACHE_MAX_MEMORY_SIZE') ?? 0) * 1_000_000),
    maxEntries: read('CACHE_MAX_ENTRIES') ?? 0,
    version: read('CACHE_VERSION') ?? '',
    maxStalenessMs: read('CACHE_MAX_STALENESS_MS') ?? null,
    rolloutPercent: read('CACHE_ROLLOUT_PERCENT') ?? 0,
    debug: read('CACHE_DEBUG') ?? false,
    verifySample: read('CACHE_VERIFY_SAMPLE') ?? 0,
    alertWebhookUrl: read('ALERT_WEBHOOK_URL') ?? null,
    locationOrigin: read('CACHE_LOCATION_ORIGIN') ?? null,
    foldedPlaces: read('CACHE_FOLDED_PLACES') ?? PLACES,
    warmHourUtc: read('WARM_HOUR_UTC') ?? null,
  }
  if (problems.length > 0) throw new SettingsError(problems)
  return settings
}
