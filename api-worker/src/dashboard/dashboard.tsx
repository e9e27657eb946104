import { LoginInput, may } from '@freshet/cms'
import type { Context, Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { MiddlewareHandler } from 'hono/types'
import * as v from 'valibot'
import { sameSite } from '../auth/authenticate.ts'
import { UNRECOGNISED } from '../auth/rights.ts'
import { logIn, logOut } from '../auth/session.ts'
import type { AppEnv } from '../context.ts'
import { ADMIN_PATH } from '../http/admin.ts'
import { Problem } from '../http/problem.ts'
import { type Assets, assetsAt } from './assets.ts'
import { InnerApp, InnerRoutes } from './inner.ts'
import { type PageContent, type PageContext, sendHtml, sendPage } from './page.tsx'
import { browserPage } from './pages/browser.tsx'
import { DEAD_LETTERS_PATH, deadLetterPage, deadLettersPage } from './pages/dead-letters.tsx'
import { INVALIDATIONS_PATH, invalidationsPage } from './pages/invalidations.tsx'
import { keyPage } from './pages/key.tsx'
import { NAMESPACES_PATH, namespacePage, namespacesPage } from './pages/namespaces.tsx'
import { overviewPage } from './pages/overview.tsx'
import { recommendationsPage } from './pages/recommendations.tsx'
import { VERIFICATION_PATH, verificationPage } from './pages/verification.tsx'
import { warmingPage } from './pages/warming.tsx'
import { safeNext, UI_PATH, wantsPage, withQuery } from './paths.ts'
import { Refused, SignIn } from './sign-in.tsx'

/** Nothing of anybody else's, nothing inline: what is escaped badly still does nothing. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const YEAR_SECONDS = 31_536_000

/** Sessions and passwords are in D1, and stale ones are served to nobody. */
const NO_LOG_IN =
  'D1 is not reachable, so nobody can be logged in. Try again shortly. What is public is still served from memory and KV.'

/** What the dashboard needs of the app that it is in. */
export interface Surroundings {
  /** The JSON routes below `/admin/cache`. */
  routes: Hono<AppEnv>
  problemOf: (error: Error, requestId: string) => Problem
  answerProblem: (c: Context<AppEnv>, problem: Problem) => Response
}

/**
 * The pages, at `/admin/cache` for those who ask for HTML, and below `/admin/cache/ui`. All else goes on to the JSON routes. The
 * pages' own routes are made when the first of them is asked for: an isolate that only serves the API never has them.
 */
export function dashboard(surroundings: Surroundings): MiddlewareHandler<AppEnv> {
  let app: InnerApp | null = null
  return createMiddleware<AppEnv>(async (c, next) => {
    const isFront = c.req.path === ADMIN_PATH && wantsPage(c.req.header('Accept')) && c.req.method === 'GET'
    if (!isFront && !c.req.path.startsWith(`${UI_PATH}/`)) {
      c.header('Vary', 'Accept', { append: true })
      return next()
    }
    app ??= pages(surroundings)
    return app.fetch(c, c.req.raw)
  })
}

function pages({ routes, problemOf, answerProblem }: Surroundings): InnerApp {
  const made = new InnerApp()
  const app = made.hono
  const inner = new InnerRoutes(routes, (error, c) => answerProblem(c, problemOf(error, c.get('requestId'))))
  const contextOf = (c: Context<AppEnv>): PageContext => ({ c, inner, now: new Date() })
  const assets = () => assetsAt(`${UI_PATH}/assets`)

  app.use(async (c, next) => {
    c.header('Content-Security-Policy', POLICY)
    c.header('Cache-Control', 'no-store')
    c.header('Vary', 'Accept, Cookie')
    await next()
  })
  app.onError(async (error, c) => sendRefusal(c, problemOf(error, c.get('requestId')), await assets()))
  app.notFound(async (c) => sendRefusal(c, new Problem(404, 'There is no such page.'), await assets()))

  app.get(`${UI_PATH}/assets/:name`, async (c) => {
    const asset = (await assets()).byPath.get(c.req.path)
    if (asset === undefined) return c.notFound()
    c.header('Cache-Control', `public, max-age=${YEAR_SECONDS}, immutable`)
    return c.body(asset.text, 200, { 'Content-Type': asset.type })
  })

  // Also where nobody is logged in: another site must not log our administrator in as somebody else.
  app.use(async (c, next) => sameSite(c, next))

  app.get(`${UI_PATH}/login`, async (c) => {
    const next = safeNext(c.req.query('next'))
    if (isAdmin(c)) return c.redirect(next, 303)
    const error = c.get('isUnrecognised') && UNRECOGNISED
    return sendHtml(
      c,
      <SignIn assets={await assets()} next={next} {...(error && { error })} />,
      error ? 503 : 200,
    )
  })
  app.post(`${UI_PATH}/login`, async (c) => {
    const form = await readForm(c)
    const next = safeNext(form.next)
    const input = v.safeParse(LoginInput, { email: form.email, password: form.password })
    const refuse = async (status: 401 | 503, error: string) =>
      sendHtml(
        c,
        <SignIn assets={await assets()} next={next} error={error} email={form.email ?? ''} />,
        status,
      )
    if (!input.success) return refuse(401, 'Both are needed: an e-mail address and a password.')
    try {
      await logIn(c, input.output)
    } catch (error) {
      const problem = problemOf(error instanceof Error ? error : new Error(String(error)), c.get('requestId'))
      if (problem.status === 401) return refuse(401, problem.message)
      if (problem.status === 503) return refuse(503, NO_LOG_IN)
      throw error
    }
    return c.redirect(next, 303)
  })
  app.post(`${UI_PATH}/logout`, async (c) => {
    // To say that somebody is logged out while their session lives on would be a lie.
    if (c.get('actor') !== null || c.get('isUnrecognised')) await logOut(c)
    return c.redirect(`${UI_PATH}/login`, 303)
  })

  app.use(async (c, next) => {
    if (isAdmin(c)) return next()
    if (c.get('isUnrecognised')) return sendRefusal(c, new Problem(503, UNRECOGNISED), await assets())
    if (c.get('actor') !== null) {
      return sendRefusal(
        c,
        new Problem(
          403,
          `You are logged in as ${c.get('actor')?.session.role}. The dashboard is for administrators.`,
        ),
        await assets(),
      )
    }
    const { pathname, search } = new URL(c.req.url)
    const next_ = c.req.method === 'GET' && pathname !== ADMIN_PATH ? `${pathname}${search}` : null
    return c.redirect(withQuery(`${UI_PATH}/login`, { next: next_ }), 303)
  })

  const page = (path: string, of: (context: PageContext) => Promise<PageContent>) =>
    app.get(path, async (c) => {
      const context = contextOf(c)
      return sendPage(context, await of(context))
    })
  page(ADMIN_PATH, overviewPage)
  page(NAMESPACES_PATH, namespacesPage)
  page(`${NAMESPACES_PATH}/:name`, (context) => namespacePage(context, context.c.req.param('name') ?? ''))
  page(`${UI_PATH}/browser`, browserPage)
  page(`${UI_PATH}/key`, keyPage)
  page(INVALIDATIONS_PATH, (context) => invalidationsPage(context))
  page(`${UI_PATH}/warming`, warmingPage)
  page(DEAD_LETTERS_PATH, deadLettersPage)
  page(`${DEAD_LETTERS_PATH}/:id`, (context) => deadLetterPage(context, context.c.req.param('id') ?? ''))
  page(VERIFICATION_PATH, verificationPage)
  page(`${UI_PATH}/recommendations`, recommendationsPage)

  /** Does what a form asks for; then its page is shown again, with what was done or why not. */
  const action = (
    path: string,
    what: {
      send: (c: Context<AppEnv>, form: Form) => ReturnType<InnerRoutes['send']>
      said: string
      back: string
      refused: (context: PageContext, form: Form) => Promise<PageContent>
    },
  ) =>
    app.post(path, async (c) => {
      const form = await readForm(c)
      const answer = await what.send(c, form)
      if (answer.ok) return c.redirect(withQuery(what.back, { said: what.said }), 303)
      const context = contextOf(c)
      return sendPage(context, await what.refused(context, form), answer)
    })
  action(`${INVALIDATIONS_PATH}/send`, {
    send: (c, { pattern, hard }) =>
      inner.send(c, 'POST', '/invalidate', { pattern: pattern ?? '', hard: hard === 'on' }),
    said: 'sent',
    back: INVALIDATIONS_PATH,
    refused: (context, { pattern }) => invalidationsPage(context, pattern),
  })
  action(`${UI_PATH}/clear`, {
    send: (c) => inner.send(c, 'POST', '/clear'),
    said: 'cleared',
    back: NAMESPACES_PATH,
    refused: namespacesPage,
  })
  action(`${UI_PATH}/clear/:namespace`, {
    send: (c) => inner.send(c, 'POST', `/clear/${encodeURIComponent(c.req.param('namespace') ?? '')}`),
    said: 'cleared',
    back: NAMESPACES_PATH,
    refused: namespacesPage,
  })
  action(`${UI_PATH}/warm`, {
    send: (c) => inner.send(c, 'POST', '/warm'),
    said: 'warming',
    back: `${UI_PATH}/warming`,
    refused: warmingPage,
  })
  const letterPath = (c: Context<AppEnv>) => `/dead-letters/${encodeURIComponent(c.req.param('id') ?? '')}`
  action(`${DEAD_LETTERS_PATH}/:id/replay`, {
    send: (c) => inner.send(c, 'POST', `${letterPath(c)}/replay`),
    said: 'replayed',
    back: DEAD_LETTERS_PATH,
    refused: deadLettersPage,
  })
  action(`${DEAD_LETTERS_PATH}/:id/discard`, {
    send: (c) => inner.send(c, 'DELETE', letterPath(c)),
    said: 'discarded',
    back: DEAD_LETTERS_PATH,
    refused: deadLettersPage,
  })
  action(`${VERIFICATION_PATH}/forget`, {
    send: (c) => inner.send(c, 'DELETE', '/verification'),
    said: 'forgotten',
    back: VERIFICATION_PATH,
    refused: verificationPage,
  })
  return made
}

function isAdmin(c: Context<AppEnv>): boolean {
  const role = c.get('actor')?.session.role
  return role !== undefined && may(role, 'cache:admin')
}

type Form = Readonly<Record<string, string>>

/** The texts of a form; the last one of those that come twice. */
async function readForm(c: Context<AppEnv>): Promise<Form> {
  const fields = await c.req.parseBody()
  return Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, string] => typeof field[1] === 'string'),
  )
}

async function sendRefusal(c: Context<AppEnv>, problem: Problem, assets: Assets): Promise<Response> {
  const { status, message } = problem
  const kept = ([401, 403, 404, 500, 503] as const).find((one) => one === status) ?? 400
  const title = {
    400: 'That cannot be done',
    401: 'Not logged in',
    403: 'Not for this account',
    404: 'Not found',
    500: 'Something went wrong',
    503: 'Not available',
  }[kept]
  const isLoggedIn = c.get('actor') !== null
  // The overview would refuse whoever is no administrator again.
  const isStranger = isLoggedIn && !isAdmin(c)
  return sendHtml(
    c,
    <Refused assets={assets} title={title} says={message}>
      <div class="actions">
        {!isStranger && (
          <a class="button" href={ADMIN_PATH}>
            To the overview
          </a>
        )}
        {isLoggedIn && (
          <form method="post" action={`${UI_PATH}/logout`}>
            <button type="submit" {...(isStranger && { class: 'primary' })}>
              {isStranger ? 'Log in as somebody else' : 'Log out'}
            </button>
          </form>
        )}
      </div>
    </Refused>,
    kept,
  )
}
