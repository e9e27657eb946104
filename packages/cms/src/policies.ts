import type { CacheConfig } from '@freshet/cache-core'
import { EVENT_TYPES, type EventType } from './events/event.ts'
import { RULES } from './events/rules.ts'

/** The namespaces of this content model. */
export type Namespace = 'content' | 'user' | 'config' | 'media' | 'api' | 'session'

/**
 * Which names of other namespaces the entries of a namespace carry as tags, by their first two segments. A test holds
 * this against the tags that the resources make.
 */
export const TAG_DEPENDENCIES: Readonly<Record<Namespace, readonly string[]>> = {
  content: ['user:profile', 'media:file'],
  user: ['user:activity'],
  config: [],
  media: [],
  api: ['user:profile', 'media:file'],
  session: ['session:user'],
}

/** Events that can invalidate entries of a namespace, by key or by tag. */
function invalidatedBy(namespace: Namespace): EventType[] {
  const names = [namespace, ...TAG_DEPENDENCIES[namespace]]
  return EVENT_TYPES.filter((type) =>
    RULES[type].some((pattern) => names.some((name) => pattern.startsWith(`${name}:`))),
  )
}

function policy(
  namespace: Namespace,
  ttl: number,
  rest: Pick<
    CacheConfig,
    'kvEnabled' | 'maxStalenessMs' | 'staleIfErrorSeconds' | 'staleWhileRevalidateSeconds' | 'visibility'
  >,
): CacheConfig {
  return { namespace, ttl, memoryEnabled: true, ...rest, invalidateOn: invalidatedBy(namespace), version: 1 }
}

const PUBLIC = {
  kvEnabled: true,
  maxStalenessMs: 5000,
  staleWhileRevalidateSeconds: 60,
  visibility: 'public',
} as const
const PRIVATE = { staleIfErrorSeconds: 0, visibility: 'private' } as const

/** How each namespace is cached: the policy table of the design. */
export const CACHE_CONFIGS: Readonly<Record<Namespace, CacheConfig>> = {
  content: policy('content', 3600, { ...PUBLIC, staleIfErrorSeconds: 3600 }),
  user: policy('user', 900, { ...PRIVATE, kvEnabled: true, maxStalenessMs: 5000 }),
  config: policy('config', 7200, { ...PUBLIC, staleIfErrorSeconds: 3600 }),
  media: policy('media', 3600, { ...PUBLIC, staleIfErrorSeconds: 3600 }),
  api: policy('api', 300, { ...PUBLIC, staleIfErrorSeconds: 300 }),
  session: policy('session', 1800, { ...PRIVATE, kvEnabled: false, maxStalenessMs: 1000 }),
}

/** Whether a name is that of one of these namespaces. */
export function isNamespace(name: string): name is Namespace {
  return Object.hasOwn(CACHE_CONFIGS, name)
}
