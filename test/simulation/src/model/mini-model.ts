import type { CacheConfig, CacheConfigs, Source } from '@freshet/cache-core'
import type { EventPlan, WarmJob } from '@freshet/cache-core/pipeline'
import * as v from 'valibot'
import { miniOperations } from './mini-operations.ts'
import {
  AUTHORS,
  BLOBS,
  FEEDS,
  GROUPS,
  ids,
  miniResources,
  POSTS,
  RATES,
  SLOWS,
  TOKENS,
} from './mini-resources.ts'
import { miniSchema } from './mini-schema.ts'
import type { KeySpec, Model } from './model.ts'

const { post, list, profile, feed, slow, rate, blob, session, page } = miniResources

function policies(lives: { ttl: number; staleIfError: number }): CacheConfigs {
  const policy = (namespace: string, rest: Partial<CacheConfig>): CacheConfig => ({
    namespace,
    ttl: lives.ttl,
    memoryEnabled: true,
    kvEnabled: true,
    invalidateOn: [],
    maxStalenessMs: 5000,
    staleIfErrorSeconds: lives.staleIfError,
    visibility: 'public',
    version: 1,
    ...rest,
  })
  return {
    content: policy('content', { staleWhileRevalidateSeconds: 20 }),
    api: policy('api', { ttl: Math.ceil(lives.ttl / 2) }),
    user: policy('user', { visibility: 'private', staleIfErrorSeconds: 0 }),
    session: policy('session', {
      visibility: 'private',
      staleIfErrorSeconds: 0,
      kvEnabled: false,
      maxStalenessMs: 1000,
    }),
    rate: policy('rate', { ttl: 40, staleIfErrorSeconds: 0, staleWhileRevalidateSeconds: 10 }),
  }
}

function key(source: Source<unknown>, rest: Partial<KeySpec> = {}): KeySpec {
  return { source, style: 'source', bound: 'staleness', announced: 'by commit', owner: null, ...rest }
}

const keys: readonly KeySpec[] = [
  ...POSTS.map((id) => key(post.at({ id }))),
  ...GROUPS.map((id) => key(list.at({ id }))),
  ...SLOWS.map((id) => key(slow.at({ id }), { style: 'function' })),
  ...AUTHORS.map((id) => key(profile.at({ id }), { owner: id })),
  ...TOKENS.map((id) => key(session.at({ id }), { owner: id })),
  ...FEEDS.map((id) => key(feed.at({ id }), { announced: 'by event' })),
  ...BLOBS.map((id) => key(blob.at({ id }), { style: 'blob' })),
  ...RATES.map((id) => key(rate.at({ id }), { bound: 'lifetime' })),
]

const PostPayload = v.object({ id: v.string(), groups: v.array(v.string()) })
const IdPayload = v.object({ id: v.string() })
const TokenPayload = v.object({ token: v.string() })

/** What each event invalidates. Throws for an event that is none of ours. */
function patternsOf(type: string, payload: unknown): string[] {
  if (type.startsWith('post.')) {
    const { id, groups } = v.parse(PostPayload, payload)
    return [`content:post:${id}`, ...groups.map((group) => `api:list:${group}`)]
  }
  if (type.startsWith('auth.')) return [`session:token:${v.parse(TokenPayload, payload).token}`]
  const { id } = v.parse(IdPayload, payload)
  if (type === 'author.rename') return [`user:profile:${id}`, `session:user:${id}`]
  if (type === 'page.update') return [`content:page:${id}`]
  if (type === 'slow.update') return [`content:slow:${id}`]
  if (type === 'feed.update') return [`content:feed:${id}`]
  throw new RangeError(`unknown event type "${type}"`)
}

/** What is worth having ready after an event, and what is gone. */
function planOf(type: string, payload: unknown): EventPlan {
  if (type !== 'post.delete') return { jobs: jobsFor(type, payload), gone: [] }
  return { jobs: [], gone: [post.at({ id: v.parse(PostPayload, payload).id }).recipe] }
}

/** What must not stay in KV: posts that were deleted, and all that a clear names. */
function mustGo({ type, patterns }: { type: string; patterns: readonly string[] }): readonly string[] {
  return type === 'post.delete' || type === 'cache.clear' ? patterns : []
}

function jobsFor(type: string, payload: unknown): WarmJob[] {
  const job = (source: Source<unknown>, priority: number) => ({
    recipe: source.recipe,
    priority,
    reason: type,
  })
  if (type === 'post.create' || type === 'post.update') {
    const { id, groups } = v.parse(PostPayload, payload)
    return [job(post.at({ id }), 1), ...groups.map((group) => job(list.at({ id: group }), 2))]
  }
  return type === 'feed.update' ? [job(feed.at({ id: v.parse(IdPayload, payload).id }), 3)] : []
}

/** The little world: few tables, few keys, all of the protocol. */
export function miniModel(of: {
  ttl: number
  staleIfError: number
  morePosts?: number
  pages?: number
}): Model {
  const morePosts = ids('x', of.morePosts ?? 0)
  const pages = ids('y', of.pages ?? 0)
  return {
    configs: policies(of),
    resources: miniResources,
    schema: miniSchema({ morePosts, pages }),
    keys: [
      ...keys,
      ...morePosts.map((id) => key(post.at({ id }))),
      ...pages.map((id) => key(page.at({ id }))),
    ],
    operations: miniOperations,
    patternsOf,
    planOf,
    mustGo,
    scheduled: GROUPS.map((id) => list.at({ id }).recipe),
  }
}
