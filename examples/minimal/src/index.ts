import {
  CacheService,
  cachePolicy,
  DatabaseUnavailableError,
  defineResource,
  Isolate,
  nameOf,
  parseSettings,
  SettingsError,
} from '@freshet/cache-core'
import { cacheHeaders, isNotModified } from '@freshet/cache-core/http'
import { createConsumer } from '@freshet/cache-core/pipeline'
import * as v from 'valibot'

type Env = { DB: D1Database; CACHE: KVNamespace; EVENTS: Queue; WARM: Queue }
const bindingsOf = ({ DB: db, CACHE: kv, EVENTS: events }: Env) => ({ db, kv, events })

const Id = v.strictObject({ id: v.pipe(v.string(), v.minLength(1), v.maxLength(200)) })
const Note = v.object({ ...Id.entries, text: v.string() })

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

/** The id that a path names; null where it names none, or is no URL encoding. */
function idOf({ url }: Request): string | null {
  try {
    return v.parse(Id, { id: decodeURIComponent(new URL(url).pathname.slice(1)) }).id
  } catch {
    return null
  }
}

async function answer(request: Request, cache: CacheService): Promise<Response> {
  const id = idOf(request)
  if (id === null) return problem(400, 'a path is /ID: 1 to 200 characters, URL-encoded')
  if (request.method === 'PUT') {
    const text = await request.text()
    if (text.length > 100_000) return problem(413, 'a note has at most 100000 characters')
    const upsert = 'INSERT INTO notes VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET text = ?2'
    const statement = cache.db.prepare(upsert).bind(id, text)
    const event = { type: 'note.write', payload: { id }, patterns: patternsOf('note.write', { id }) }
    const { bookmark } = await cache.write([{ statement, event }])
    return new Response(null, { status: 204, headers: { 'Cache-Bookmark': bookmark ?? '' } })
  }
  const isRead = ['GET', 'HEAD'].includes(request.method)
  if (!isRead) return new Response(null, { status: 405, headers: { Allow: 'GET, HEAD, PUT' } })
  const result = await cache.read(note.at({ id }), { bookmark: request.headers.get('Cache-Bookmark') })
  const headers = { ...cacheHeaders(result, configs.note), 'Content-Type': 'application/json' }
  const isKnown = result.found && isNotModified(request.headers.get('If-None-Match'), result.etag)
  if (isKnown) return new Response(null, { status: 304, headers })
  return new Response(result.text, { status: result.found ? 200 : 404, headers })
}

const problem = (status: number, error: string) => Response.json({ error }, { status })

let isolate: Isolate | undefined

export default {
  async fetch(request, env, ctx) {
    try {
      isolate ??= new Isolate({ configs, settings: parseSettings(env) })
      const io = { ...bindingsOf(env), waitUntil: (promise: Promise<unknown>) => ctx.waitUntil(promise) }
      return await answer(request, new CacheService(isolate, io))
    } catch (error) {
      if (error instanceof SettingsError) return problem(503, error.message)
      if (error instanceof DatabaseUnavailableError) return problem(503, 'the database does not answer')
      throw error
    }
  },
  ...createConsumer<Env>({
    configs,
    resources: { note },
    patternsOf,
    plans: () => ({ startup: [], forEvent, scheduled: () => [] }),
    bindings: (env) => ({ ...bindingsOf(env), warm: { high: env.WARM, low: env.WARM } }),
  }),
} satisfies ExportedHandler<Env>
