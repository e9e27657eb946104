import { seedBatches } from '@freshet/cms/seed'
import { dropTriggers } from '@freshet/cms/triggers'
import { type LocalOptions, type LocalStack, quickStatistics, startLocal } from '@freshet/dev'
import type { Page } from 'playwright-core'
import { unstable_splitSqlQuery } from 'wrangler'

const ADMIN = { email: 'admin@example.com', password: 'freshet-dev' }

/** Both Workers over a small seeded database, and what the tests do to them past the browser. */
export interface Site {
  stack: LocalStack
  url: string
  /** Asks the API as an administrator. */
  api(path: string, init?: { method?: string; body?: unknown }): Promise<Response>
  stop(): Promise<void>
}

export async function startSite(options: LocalOptions = {}): Promise<Site> {
  const stack = await startLocal({
    port: 0,
    cronSeconds: 0,
    configure: quickStatistics,
    env: { CACHE_VERIFY_SAMPLE: '0.2' },
    seed: [
      ...unstable_splitSqlQuery(dropTriggers()).map((sql) => ({ sql, params: [] })),
      ...seedBatches({ posts: 40, users: 10, media: 20, plugins: 4, localUsers: true, allPublished: true }),
    ],
    onOutput: (line) => process.env.SHOW_WORKERS && console.log(line),
    ...options,
  })
  const [url = ''] = stack.urls
  let token = ''
  const api: Site['api'] = (path, { method = 'GET', body } = {}) =>
    fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token !== '' && { Authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  const login = await api('/auth/login', { method: 'POST', body: ADMIN })
  token = /"token":"([^"]+)"/.exec(await login.text())?.[1] ?? ''
  return { stack, url, api, stop: () => stack.stop() }
}

/** Logs in as a person does, with the keyboard. */
export async function logIn(page: Page, { email, password } = ADMIN): Promise<void> {
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.keyboard.press('Enter')
}

/** Waits until something is so, as queues need it. @throws when it is not so in time */
export async function eventually(what: string, check: () => Promise<boolean>, ms = 20_000): Promise<void> {
  const deadline = performance.now() + ms
  while (performance.now() < deadline) {
    if (await check()) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`not within ${ms} ms: ${what}`)
}
