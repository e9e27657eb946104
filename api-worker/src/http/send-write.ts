import type { CacheResult, Written } from '@freshet/cache-core'
import { preconditionHolds } from '@freshet/cache-core/http'
import type { Context } from 'hono'
import type { AppEnv } from '../context.ts'
import { notFound, Problem } from './problem.ts'
import { setBookmark } from './read-options.ts'

/** Sends what a write made of an item: `{data}` with its ETag and the bookmark. */
export function sendWritten<T>(
  c: Context<AppEnv>,
  written: Written<T>,
  what: string,
  status: 200 | 201 = 200,
): Response {
  const { value, etag, bookmark } = accepted(c, written, what)
  setBookmark(c, bookmark)
  if (etag !== null) c.header('ETag', etag)
  c.header('Cache-Control', 'no-store')
  return c.json({ data: value }, status)
}

/** Answers a removal: 204 with the bookmark. */
export function sendRemoved<T>(c: Context<AppEnv>, written: Written<T>, what: string): Response {
  const { bookmark } = accepted(c, written, what)
  setBookmark(c, bookmark)
  c.header('Cache-Control', 'no-store')
  return c.body(null, 204)
}

/**
 * The version that `If-Match` allows a write to start from; undefined without that header.
 * @param read reads the item as it is now, checked with D1
 * @param whenMissing what to throw when there is none; default 404
 * @throws Problem 412 when the client has seen another representation
 */
export async function versionFor<T extends { version: number }>(
  c: Context<AppEnv>,
  what: string,
  read: (options: { maxStalenessMs: 0 }) => Promise<CacheResult<T>>,
  whenMissing: (what: string) => Problem = notFound,
): Promise<number | undefined> {
  const ifMatch = c.req.header('If-Match')
  if (ifMatch === undefined) return undefined
  const current = await read({ maxStalenessMs: 0 })
  const version = current.value()?.version
  if (version === undefined) throw whenMissing(what)
  if (!preconditionHolds(ifMatch, current.etag)) throw mismatch(what)
  return version
}

function accepted<T>(c: Context<AppEnv>, written: Written<T>, what: string): Written<T> {
  if (written.status === 'missing') throw notFound(what)
  if (written.status !== 'conflict') return written
  if (c.req.header('If-Match') !== undefined) throw mismatch(what)
  throw new Problem(409, `Others were changing this ${what} all the time. Nothing was written: try again.`)
}

/** The client has seen another representation than there is. */
export function mismatch(what: string): Problem {
  return new Problem(
    412,
    `The ${what} has changed since you read it: get it again, and send the new ETag as If-Match.`,
  )
}
