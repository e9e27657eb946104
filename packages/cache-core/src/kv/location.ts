import * as v from 'valibot'
import type { KvRecord, LocationCache } from '../ports.ts'

/** The Cache API's `caches.default`, as far as it is needed. */
export interface CacheApi {
  match(url: string): Promise<Response | undefined>
  put(url: string, response: Response): Promise<void>
}

/** Below the Worker's own routes: whoever asks for it from outside reaches the Worker, and finds nothing there. */
const PATH = '/.well-known/freshet-entries/'

/**
 * Entries that the isolates of one location share, kept by the Cache API. It works on custom domains only, and wants the name of
 * one: another one costs a look-up of that name
 * (https://developers.cloudflare.com/workers/runtime-apis/cache/).
 * @param origin of the Worker, as `https://api.example.com`
 */
export function sharedByLocation(cache: CacheApi, origin: string): LocationCache {
  const urlOf = (name: string) => `${origin}${PATH}${encodeURIComponent(name)}`
  return {
    match: async (name) => (await (await cache.match(urlOf(name)))?.text()) ?? null,
    put: (name, text, seconds) => {
      const headers = { 'Cache-Control': `max-age=${seconds}`, 'Content-Type': 'text/plain' }
      return cache.put(urlOf(name), new Response(text, { headers }))
    },
  }
}

const Stored = v.pipe(v.string(), v.parseJson(), v.strictTuple([v.string(), v.unknown()]))

/** What KV has of a value, as one text. */
export function toText({ value, metadata }: { value: string; metadata: unknown }): string {
  return JSON.stringify([value, metadata])
}

/** @returns the record, as KV would have it; one without a value for anything else */
export function fromText(text: string): KvRecord {
  const stored = v.safeParse(Stored, text)
  return stored.success
    ? { value: stored.output[0], metadata: stored.output[1] }
    : { value: null, metadata: null }
}
