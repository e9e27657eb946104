import {
  CacheService,
  cachePolicy,
  defineResource,
  Isolate,
  nameOf,
  parseSettings,
} from '@freshet/cache-core'
import { cacheHeaders } from '@freshet/cache-core/http'
import { createConsumer } from '@freshet/cache-core/pipeline'
import * as v from 'valibot'

type Env = { DB: D1Database; CACHE: KVNamespace; EVENTS: Queue; WARM: Queue }
const Id = v.strictObject({ id: v.string() })
const Note = v.object({ id: v.string(), text: v.string() })

const configs = { note: cachePolicy('note', { visibility: 'public', staleIfErrorSeconds: 3600 }) }

/** How a note is named, loaded and parsed: readers and warmers both go by this. */
const note = defineResource({
  name: 'note',
  namespace: 'note',
  parseParams: (input) => v.parse(Id, input),
  key: ({ id }) => ({ entity: 'item', id }),
  tags: (_note: v.InferOutput<typeof Note> | null) => [],
  load: (db, { id }) => ({
    statements: [db.prepare('SELECT id, text FROM notes WHERE id = ?').bind(id)],
    decode: ([result]) => v.parse(v.array(Note), result?.results)[0] ?? null,
  }),
  parse: (json) => v.parse(Note, json),
})

/** What a write invalidates, and what is loaded into KV after it. */
const patternsOf = (_type: string, payload: unknown) => [nameOf('note', 'item', v.parse(Id, payload).id)]
const forEvent = (reason: string, payload: unknown) => ({
  jobs: [{ recipe: note.from(payload).recipe, priority: 1, reason }],
})

let isolate: Isolate | undefined

export default {
  async fetch(request, env, ctx) {
    isolate ??= new Isolate({ configs, settings: parseSettings(env) })
    const waitUntil = (promise: Promise<unknown>) => ctx.waitUntil(promise)
    const cache = new CacheService(isolate, { db: env.DB, kv: env.CACHE, events: env.EVENTS, waitUntil })
    const id = decodeURIComponent(new URL(request.url).pathname.slice(1))
    if (request.method === 'PUT') {
      const upsert = 'INSERT INTO notes VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET text = ?2'
      const statement = env.DB.prepare(upsert).bind(id, await request.text())
      const event = { type: 'note.write', payload: { id }, patterns: patternsOf('note.write', { id }) }
      const { bookmark } = await cache.write([{ statement, event }])
      return new Response(null, { status: 204, headers: { 'Cache-Bookmark': bookmark ?? '' } })
    }
    const result = await cache.read(note.at({ id }), { bookmark: request.headers.get('Cache-Bookmark') })
    const headers = cacheHeaders(result, configs.note)
    return new Response(result.text, { status: result.found ? 200 : 404, headers })
  },
  ...createConsumer<Env>({
    configs,
    resources: { note },
    patternsOf,
    plans: () => ({ startup: [], forEvent, scheduled: () => [] }),
    bindings: ({ DB: db, CACHE: kv, EVENTS: events, WARM: high }) => {
      return { db, kv, events, warm: { high, low: high } }
    },
  }),
} satisfies ExportedHandler<Env>
