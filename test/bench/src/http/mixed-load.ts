import { seedPostId } from '@freshet/cms/seed'
import { zipfSequence } from '@freshet/dev/zipf'

/** One request of a mixed load. */
export interface MixedRequest {
  method: 'GET' | 'PUT'
  path: string
  headers: Record<string, string>
  body?: string
}

/** Of a hundred requests: pages of lists, ids that nobody has, readers who send a cookie, and writes. The rest reads posts. */
const LISTS = 15
const ABSENT = 5
const COOKIES = 10
const WRITES = 1
const ORDER = 50_000

/**
 * Requests without an end: posts by Zipf, lists, ids that are not there, and writes of an editor.
 * @param random uniform in [0, 1)
 */
export function* mixedLoad(
  posts: number,
  token: string,
  random: () => number,
): Generator<MixedRequest, never, undefined> {
  const order = zipfSequence({ keys: posts, exponent: 1, count: ORDER, random })
  for (let i = 0; ; i++) {
    const path = `/api/content/${seedPostId(order[i % ORDER] ?? 0)}`
    const kind = random() * 100
    if (kind < WRITES) {
      const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
      yield { method: 'PUT', path, headers, body: JSON.stringify({ title: `Title ${i}` }) }
    } else if (kind < WRITES + ABSENT) {
      yield { method: 'GET', path: `/api/content/absent-${i}-${Math.floor(random() * 1e9)}`, headers: {} }
    } else if (kind < WRITES + ABSENT + LISTS) {
      const offset = Math.floor(random() * posts)
      yield { method: 'GET', path: `/api/content?limit=20&offset=${offset}`, headers: {} }
    } else if (kind < WRITES + ABSENT + LISTS + COOKIES) {
      yield { method: 'GET', path, headers: { Cookie: 'theme=dark' } }
    } else yield { method: 'GET', path, headers: {} }
  }
}
