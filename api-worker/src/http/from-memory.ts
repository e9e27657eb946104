import type { CacheEntry, CacheService, Isolate } from '@freshet/cache-core'
import { BOOKMARK_HEADER, hitHeaders, isNotModified } from '@freshet/cache-core/http'
import { cacheOf } from '../context.ts'
import type { Env, Setup } from '../env.ts'
import { type Made, type RecentAnswer, tellsOf } from './recent-answers.ts'
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.ts'

type Context = Pick<ExecutionContext, 'waitUntil'>

/**
 * Answers a read from memory before anything else is done for it: no routing, no parsing, nothing awaited. Only for who asks
 * as anybody would, and for an address that the app has answered before; its answer is the app's, header by header.
 * @returns null: the app has to
 */
export function answerFromMemory(request: Request, env: Env, setup: Setup, ctx: Context): Response | null {
  if (request.method !== 'GET') return null
  const { recent, isolate } = setup
  const answer = recent.get(request.url)
  if (answer === undefined) return null
  const asked = request.headers
  if (!asksAsAnybody(asked, setup.corsOrigins)) return null
  const requestId = requestIdOf(asked.get('cf-ray') ?? undefined)
  const now = isolate.runtime.now()
  const entry = cacheFor(answer.key.namespace, now, env, setup, ctx, requestId).peek(answer.key, now)?.entry
  if (entry === undefined || !entry.found || !answer.isPublic(entry.label)) return null

  const ttl = Math.floor((entry.expiresAt - now) / 1000)
  let { made } = answer
  if (made === null || !tellsOf(made, entry, ttl)) {
    made = make(answer, entry, ttl, isolate, now)
    recent.remake(answer, made)
  }
  const { headers, body } = made
  // One object for all answers of the second: a response copies what it is given.
  headers.set(REQUEST_ID_HEADER, requestId)
  setup.flusher.after(env.STATS, behind(ctx), now)
  const known = asked.get('If-None-Match')
  if (known !== null && isNotModified(known, entry.etag)) {
    const bodiless = new Headers(headers)
    bodiless.delete('Content-Type')
    return new Response(null, { status: 304, headers: bodiless })
  }
  return new Response(body ?? bodyOf(answer, entry), { headers })
}

/** Whether nothing in a request could make its answer another one's: who asks, what they have seen, where their page is from. */
export function asksAsAnybody(asked: Headers, corsOrigins: readonly string[]): boolean {
  return (
    !asked.has('Cookie') &&
    !asked.has('Authorization') &&
    !asked.has(BOOKMARK_HEADER) &&
    (corsOrigins.length === 0 || !asked.has('Origin'))
  )
}

/** A look into memory needs nothing of its request while the fence is young; later it may have to be refreshed behind the answer. */
function cacheFor(
  namespace: string,
  now: number,
  env: Env,
  setup: Setup,
  ctx: Context,
  requestId: string,
): CacheService {
  const { fence } = setup.isolate
  if (now - fence.asOf >= setup.isolate.home(namespace).quietMs)
    return cacheOf(env, setup, behind(ctx), requestId)
  setup.peeking ??= cacheOf(env, setup, refuse, '')
  return setup.peeking
}

/** Returned rather than named: names are kept in the bundle, which costs more than the function. */
function behind(ctx: Context): (promise: Promise<unknown>) => void {
  return (promise) => ctx.waitUntil(promise)
}

function refuse(): never {
  throw new Error('a look into memory goes on behind no answer')
}

function make(answer: RecentAnswer, entry: CacheEntry, ttl: number, isolate: Isolate, now: number): Made {
  const headers = new Headers(answer.fixed)
  const moving = hitHeaders(entry, isolate.policy(answer.key.namespace), now)
  for (const [name, value] of Object.entries(moving)) headers.set(name, value)
  const { etag, epoch, upTo } = entry
  const { made } = answer
  // The text is of its ETag.
  const body = made?.etag === etag ? made.body : keptBody(answer, entry)
  return { headers, body, etag, epoch, upTo, ttl }
}

/** To join long ones each time costs little beside sending them; to keep them would take memory from the cache. */
const LONGEST_KEPT = 20_000

function keptBody(answer: RecentAnswer, entry: CacheEntry): string | null {
  return answer.isItem && entry.text.length <= LONGEST_KEPT ? bodyOf(answer, entry) : null
}

function bodyOf({ isItem }: RecentAnswer, { text }: CacheEntry): string {
  return isItem ? itemBody(text) : text
}

/** The envelope of one item. */
export function itemBody(text: string): string {
  return `{"data":${text}}`
}
