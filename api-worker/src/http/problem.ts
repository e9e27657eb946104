import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** What is wrong with one field of a request. */
export interface FieldError {
  /** Path of the field, such as `data.tags.0`; `body` or `query` for the whole. */
  field: string
  message: string
}

/** Titles by status: a problem of type `about:blank` has the status's own phrase (RFC 9457, section 4.2.1). */
const TITLES = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const satisfies Partial<Record<ContentfulStatusCode, string>>

/** Statuses that this API answers errors with. */
export type ProblemStatus = keyof typeof TITLES

/** An error that the client can be told of. */
export class Problem extends Error {
  override name = 'Problem'
  readonly status: ProblemStatus
  readonly errors: readonly FieldError[]
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: ProblemStatus,
    detail: string,
    more: { errors?: readonly FieldError[]; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail)
    this.status = status
    this.errors = more.errors ?? []
    this.headers = more.headers ?? {}
  }
}

/** Answers with a problem document (RFC 9457). */
export function problemResponse(c: Context, problem: Problem): Response {
  const { status, message: detail, errors, headers } = problem
  const body = {
    type: 'about:blank',
    title: TITLES[status],
    status,
    detail,
    ...(errors.length > 0 && { errors }),
  }
  return c.body(JSON.stringify(body), status, {
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
    ...headers,
  })
}

/** Nobody knows of it, or the caller may not know. */
export function notFound(what: string, headers: Readonly<Record<string, string>> = {}): Problem {
  return new Problem(404, `There is no such ${what}.`, { headers })
}
