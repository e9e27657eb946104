import * as v from 'valibot'
import { UsageError } from './arguments/usage-error.ts'
import { PlainError } from './plain-error.ts'
import type { HttpAnswer, HttpClient } from './replay/http-client.ts'

/** Whom the local seed knows as an administrator. */
export interface LocalAdmin {
  email: string
  password: string
}

/** A running system, and who asks it. */
export interface Target extends LocalAdmin {
  /** Base URL of an API Worker, without a final slash. */
  url: string
}

/** How a program's help tells of the variables that are read here. */
export const CREDENTIALS_HELP = `Variables:
  FRESHET_EMAIL, FRESHET_PASSWORD   an administrator; for a local URL the seeded one is the default`

/**
 * Reads whom to ask. The password comes from the environment alone: arguments are seen by others.
 * @param isNeeded whether credentials must be known
 * @throws UsageError that says what is wrong and what would be right
 */
export function readTarget(
  url: string,
  env: Readonly<Record<string, string | undefined>>,
  local: LocalAdmin,
  isNeeded: boolean,
): Target {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new UsageError(`--url is "${url}"; it may be an address such as https://api.example.com`)
  const { hostname, href } = new URL(url)
  const isLocal = hostname === 'localhost' || hostname === '127.0.0.1'
  const email = env.FRESHET_EMAIL ?? (isLocal ? local.email : undefined)
  const password = env.FRESHET_PASSWORD ?? (isLocal ? local.password : undefined)
  if (isNeeded && (email === undefined || password === undefined))
    throw new UsageError(`set FRESHET_EMAIL and FRESHET_PASSWORD to an administrator of ${hostname}`)
  return { url: href.replace(/\/$/, ''), email: email ?? '', password: password ?? '' }
}

const Login = v.object({ data: v.object({ token: v.string() }) })

/** Logs in. @returns the headers that what follows is sent with */
export async function logIn(http: Pick<HttpClient, 'send'>, { url, email, password }: Target) {
  const login = await http.send(`${url}/auth/login`, { method: 'POST', json: { email, password } })
  return { authorization: `Bearer ${parseAnswer(Login, 'POST /auth/login', login).data.token}` }
}

/** @throws PlainError naming the request, for an answer other than expected */
export function parseAnswer<S extends v.GenericSchema>(
  schema: S,
  what: string,
  { status, body }: HttpAnswer,
): v.InferOutput<S> {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), body)
  if (status === 200 && parsed.success) return parsed.output
  throw new PlainError(`${what} answered ${status}: ${body.slice(0, 200)}`)
}
