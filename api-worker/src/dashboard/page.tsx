import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import type { AppEnv } from '../context.ts'
import { assetsAt } from './assets.ts'
import { Notice } from './components.tsx'
import type { InnerRoutes } from './inner.ts'
import { Page } from './layout.tsx'
import { UI_PATH } from './paths.ts'

/** What a page works with. */
export interface PageContext {
  c: Context<AppEnv>
  inner: InnerRoutes
  now: Date
}

/**
 * Seconds between updates: of what is a row or two of D1, and of statistics, which take it a tenth of a second there and come
 * from the isolates every 10 s at most.
 */
export const POLL = { rows: 5, statistics: 15 } as const

/** What a page comes to. */
export interface PageContent {
  /** Of PAGES: what the navigation shows as the current one. */
  path: string
  title: string
  says: Child
  /** Seconds between updates. Default: none. */
  poll?: number
  body: Child
}

/** What was done before one came here; a query string names it, so it can say nothing else. */
const SAID: Readonly<Record<string, string>> = {
  sent: 'Sent. It is in the log, and every isolate obeys it within Δ.',
  cleared: 'Cleared. It is in the log; the consumer takes what is left out of KV.',
  warming: 'The consumer warms everything anew. Its jobs are counted here as they are done.',
  replayed: 'The consumer puts it back into its queue. Where it fails again, it comes back here.',
  discarded: 'The dead letter is gone.',
  forgotten: 'The violations are forgotten. What is found from now on is new.',
}

/** Answers with a page; with a complaint where something was refused. */
export async function sendPage(
  { c }: Pick<PageContext, 'c'>,
  { path, title, says, poll, body }: PageContent,
  refusal?: { status: number; error: string },
): Promise<Response> {
  const said = SAID[c.req.query('said') ?? '']
  const session = c.get('actor')?.session
  const assets = await assetsAt(`${UI_PATH}/assets`)
  const html = (
    <Page
      path={path}
      title={title}
      says={says}
      assets={assets}
      who={session?.email ?? ''}
      {...(poll && { poll })}
    >
      {said !== undefined && refusal === undefined && <Notice tone="ok">{said}</Notice>}
      {refusal !== undefined && <Notice tone="critical">{refusal.error}</Notice>}
      {body}
    </Page>
  )
  return sendHtml(c, html, refusal?.status === 503 ? 503 : refusal === undefined ? 200 : 400)
}

/** Answers with HTML. */
export async function sendHtml(
  c: Context<AppEnv>,
  html: Child,
  status: 200 | 400 | 401 | 403 | 404 | 500 | 503 = 200,
): Promise<Response> {
  return c.html(`<!doctype html>${await html}`, status)
}
