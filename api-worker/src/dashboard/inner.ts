import { type Context, Hono } from 'hono'
import * as v from 'valibot'
import type { AppEnv } from '../context.ts'
import { ADMIN_PATH } from '../http/admin.ts'

/** What one of the JSON routes said: its data or message, or what it complains of. */
export type Answer<T> = { ok: true; data: T; response: Response } | Refusal
export interface Refusal {
  ok: false
  status: number
  error: string
}

const Envelope = v.variant('success', [
  v.object({ success: v.literal(true), data: v.optional(v.unknown()), message: v.optional(v.string()) }),
  v.object({ success: v.literal(false), error: v.string() }),
])

/** An app within the app, in the context of a request that came to the outer one. */
export class InnerApp {
  readonly hono = new Hono<AppEnv>()
  readonly #outer = new WeakMap<Request, Context<AppEnv>>()

  constructor() {
    this.hono.use((c, next) => {
      const outer = this.#outer.get(c.req.raw)
      if (outer === undefined) throw new Error('an inner request belongs to an outer one')
      for (const name of HANDED_ON) c.set(name, outer.get(name))
      return next()
    })
  }

  fetch(outer: Context<AppEnv>, request: Request): Response | Promise<Response> {
    this.#outer.set(request, outer)
    return this.hono.fetch(request, outer.env, outer.executionCtx)
  }
}

/** What of the outer request's context the inner one has. */
const HANDED_ON = ['setup', 'cache', 'repositories', 'actor', 'isUnrecognised', 'requestId'] as const

/**
 * Asks the JSON routes from within, for a page: what the pages show and do is what programs are answered, checks and words of
 * errors included. The request's own context goes along, so nobody is authenticated or counted twice.
 */
export class InnerRoutes {
  readonly #app: InnerApp

  constructor(routes: Hono<AppEnv>, answerError: (error: Error, c: Context<AppEnv>) => Response) {
    this.#app = new InnerApp()
    this.#app.hono.route(ADMIN_PATH, routes)
    this.#app.hono.onError(answerError)
  }

  /** @param path below `/admin/cache`, with its query string */
  async get<S extends v.GenericSchema>(
    c: Context<AppEnv>,
    path: string,
    schema: S,
  ): Promise<Answer<v.InferOutput<S>>> {
    return this.#ask(c, 'GET', path, undefined, schema)
  }

  /** Sends a form on: its bookmark becomes the page's. */
  async send(
    c: Context<AppEnv>,
    method: 'POST' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<Answer<unknown>> {
    const answer = await this.#ask(c, method, path, body, v.unknown())
    if (!answer.ok) return answer
    for (const cookie of answer.response.headers.getSetCookie())
      c.header('Set-Cookie', cookie, { append: true })
    return answer
  }

  async #ask<S extends v.GenericSchema>(
    c: Context<AppEnv>,
    method: string,
    path: string,
    body: unknown,
    schema: S,
  ): Promise<Answer<v.InferOutput<S>>> {
    const request = new Request(new URL(`${ADMIN_PATH}${path}`, c.req.url), {
      method,
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { 'Content-Type': 'application/json' },
      }),
    })
    const response = await this.#app.fetch(c, request)
    const envelope = v.safeParse(Envelope, await response.json().catch(() => null))
    if (!envelope.success) return { ok: false, status: 500, error: `${path} answers ${response.status}` }
    if (!envelope.output.success) return { ok: false, status: response.status, error: envelope.output.error }
    const data = v.safeParse(schema, envelope.output.data)
    if (data.success) return { ok: true, data: data.output, response }
    const [issue] = data.issues
    return {
      ok: false,
      status: 500,
      error: `${path} answers something else than this page knows: ${v.getDotPath(issue) ?? 'data'}: ${issue.message}`,
    }
  }
}
