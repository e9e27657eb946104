/** The bindings of wrangler.jsonc, and variables, which may hold anything before they are parsed. */
export interface Env {
  DB: D1Database
  CACHE: KVNamespace
  EVENTS: Queue
  WARM_HIGH: Queue
  [variable: string]: unknown
}
