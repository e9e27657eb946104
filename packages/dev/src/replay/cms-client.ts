import * as v from 'valibot'
import type { HttpAnswer, HttpClient } from './http-client.ts'

/** Who answered a read: a tier of the cache, or the database, through the cache or around it. */
export type Source = 'memory' | 'kv' | 'database'

/** A read that was answered. */
export interface ReadAnswer {
  version: number
  source: Source
  /** Served past its lifetime because the database failed, and labelled so: outside the promise. */
  labelledStale: boolean
}

/** What a Worker has asked of D1: statements, and the batches that they went in, each of them one round trip. */
export interface D1Use {
  queries: number
  batches: number
}

/** An answer that a client did not expect. */
export class UnexpectedAnswerError extends Error {
  override name = 'UnexpectedAnswerError'
  constructor(what: string, { status, body }: HttpAnswer) {
    super(`${what} answered ${status}: ${body.slice(0, 200)}`)
  }
}

const LoginSchema = v.object({ data: v.object({ token: v.string() }) })
const ItemSchema = v.object({ data: v.object({ version: v.pipe(v.number(), v.integer()) }) })
const StatsSchema = v.object({
  data: v.object({ d1: v.object({ queries: v.number(), batches: v.number() }) }),
})
const SourceSchema = v.picklist(['memory', 'kv', 'database'])

/** As much of the HTTP API as a replay needs; every answer is checked. */
export class CmsClient {
  readonly #http: HttpClient
  #token = ''

  constructor(http: HttpClient) {
    this.#http = http
  }

  /** Logs in; what follows is done as this user. */
  async login(url: string, email: string, password: string): Promise<void> {
    const answer = await this.#http.send(`${url}/auth/login`, { method: 'POST', json: { email, password } })
    this.#token = parse(LoginSchema, 'POST /auth/login', answer).data.token
  }

  /** Reads a post as anybody would. */
  async read(url: string, id: string): Promise<ReadAnswer> {
    const path = `/api/content/${encodeURIComponent(id)}`
    const answer = await this.#http.send(url + path)
    const item = parse(ItemSchema, `GET ${path}`, answer)
    const status = answer.headers['x-cache-status']
    const source = v.safeParse(SourceSchema, answer.headers['x-cache-source'])
    if (!source.success) throw new UnexpectedAnswerError(`GET ${path} without X-Cache-Source`, answer)
    return { version: item.data.version, source: source.output, labelledStale: status === 'STALE' }
  }

  /** Changes a post's title and answers its new version. */
  async write(url: string, id: string, title: string): Promise<number> {
    const path = `/api/content/${encodeURIComponent(id)}`
    const answer = await this.#http.send(url + path, {
      method: 'PUT',
      headers: this.#authorization(),
      json: { title },
    })
    return parse(ItemSchema, `PUT ${path}`, answer).data.version
  }

  /** What the Worker at `url` has asked of D1 since it started. */
  async d1Use(url: string): Promise<D1Use> {
    const path = '/admin/cache/stats'
    const answer = await this.#http.send(url + path, { headers: this.#authorization() })
    return parse(StatsSchema, `GET ${path}`, answer).data.d1
  }

  #authorization(): Record<string, string> {
    return { authorization: `Bearer ${this.#token}` }
  }
}

function parse<S extends v.GenericSchema>(schema: S, what: string, answer: HttpAnswer): v.InferOutput<S> {
  if (answer.status === 200) {
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), answer.body)
    if (parsed.success) return parsed.output
  }
  throw new UnexpectedAnswerError(what, answer)
}
