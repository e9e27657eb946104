import type { ReadOptions } from '@freshet/cache-core'
import { asksForFresh, BOOKMARK_HEADER } from '@freshet/cache-core/http'
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import type { Actor } from '../context.ts'

/** Carries a browser's bookmark after a write. */
const BOOKMARK_COOKIE = 'freshet-bookmark'
/** Longer than any staleness bound: after that the cookie says nothing that a plain read does not know. */
const BOOKMARK_COOKIE_SECONDS = 60

/**
 * What a request asks of its reads: its bookmark, and with `Cache-Control: no-cache` an answer checked with D1. The latter
 * is for those who are logged in, or anybody could send every read to D1.
 */
export function readOptions(c: Context, actor: Actor | null): ReadOptions {
  const bookmark = c.req.header(BOOKMARK_HEADER) ?? getCookie(c, BOOKMARK_COOKIE)
  const isStrong = actor !== null && asksForFresh(c.req.header('Cache-Control'))
  return { ...(bookmark && { bookmark }), ...(isStrong && { maxStalenessMs: 0 }) }
}

/** Hands a write's bookmark to its client, browsers included. */
export function setBookmark(c: Context, bookmark: string | null): void {
  if (bookmark === null) return
  c.header(BOOKMARK_HEADER, bookmark)
  setCookie(c, BOOKMARK_COOKIE, bookmark, {
    path: '/',
    httpOnly: true,
    secure: true,
    sameSite: 'Lax',
    maxAge: BOOKMARK_COOKIE_SECONDS,
  })
}
