import type { CacheResult, Source } from '@freshet/cache-core'
import { cacheHeaders, isNotModified } from '@freshet/cache-core/http'
import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { itemBody } from './from-memory.ts'
import { notFound } from './problem.ts'
import { readOptions } from './read-options.ts'

/** How the answer of a read is sent. */
interface Sending {
  /** Namespace of the value: its policy decides on `Cache-Control`. */
  namespace: string
  /** What it is, for "There is no such …". */
  what: string
  /** For its reader alone, though its namespace is public. */
  isPrivate?: boolean
}

/** Headers that every representation depends on: who asks decides what they see. */
const VARY = 'Authorization, Cookie'

/**
 * Reads a source and sends what comes of it; at once where memory has it.
 * @param send `sendItem` or `sendList`, with what else is known of it
 */
export function answer<T>(
  c: Context<AppEnv>,
  source: Source<T>,
  as: 'item' | 'list',
  send: (result: CacheResult<T>) => Response,
): Response | Promise<Response> {
  const cache = c.get('cache')
  const options = readOptions(c, c.get('actor'))
  c.set('answered', { source, isItem: as === 'item' })
  const hit = cache.peekAt(source, options)
  return hit === undefined ? cache.read(source, options).then(send) : send(hit)
}

/** Sends one item as `{data}`. @throws Problem 404 when there is none */
export function sendItem(c: Context<AppEnv>, result: CacheResult<unknown>, sending: Sending): Response {
  return send(c, result, itemBody(result.text), sending)
}

/** Sends a list, whose value already is `{data, meta}`. */
export function sendList(c: Context<AppEnv>, result: CacheResult<unknown>, sending: Sending): Response {
  return send(c, result, result.text, sending)
}

function send(c: Context<AppEnv>, result: CacheResult<unknown>, body: string, sending: Sending): Response {
  const policy = c.get('setup').isolate.policy(sending.namespace)
  const headers: Record<string, string> = { ...cacheHeaders(result, policy, sending.isPrivate), Vary: VARY }
  if (!result.found) {
    const { ETag: _none, ...rest } = headers
    throw notFound(sending.what, rest)
  }
  if (isNotModified(c.req.header('If-None-Match'), result.etag)) return c.body(null, 304, headers)
  return c.body(body, 200, { ...headers, 'Content-Type': 'application/json' })
}

/**
 * Makes an answer that its reader may not see look like what is sent where there is nothing: headers must not tell of it
 * either. KV never holds "not found".
 */
export function asAbsent<T>(result: CacheResult<T>): CacheResult<T> {
  const { outcome, source, text, etag, label, ttlMs, bookmark, timing } = result
  const answered = source === 'kv' ? ({ outcome: 'MISS', source: 'database' } as const) : { outcome, source }
  return { ...answered, found: false, text, value: () => null, etag, label, ttlMs, bookmark, timing }
}
