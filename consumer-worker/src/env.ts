/** The bindings of wrangler.jsonc; its variables are parsed by the library. */
export interface Env {
  DB: D1Database
  CACHE: KVNamespace
  EVENTS: Queue
  WARM_HIGH: Queue
  WARM_LOW: Queue
}
