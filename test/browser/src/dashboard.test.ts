import { seedPostId } from '@freshet/cms/seed'
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { launchBrowser, visit } from './support/browser.ts'
import { makeAdvice, makeDeadLetter, makeHistory, makeViolation } from './support/history.ts'
import { PAGES } from './support/pages.ts'
import { eventually, logIn, type Site, startSite } from './support/site.ts'
import { faults, watch } from './support/watch.ts'

const HOME = '/admin/cache'
const UI = `${HOME}/ui`
const KEY = `content:item:${seedPostId(3)}`

async function textOf(locator: Locator): Promise<string> {
  return (await locator.textContent()) ?? ''
}

describe('the dashboard, in a browser', () => {
  let site: Site
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let complaints: string[]

  beforeAll(async () => {
    site = await startSite()
    browser = await launchBrowser()
    await makeHistory(site, 60)
  })
  afterAll(async () => {
    await browser?.close()
    await site?.stop()
  })
  beforeEach(async () => {
    context = await visit(browser)
    ;({ complaints } = watch(context, site.url))
    page = await context.newPage()
  })
  afterEach(async () => {
    await context.close()
    expect(complaints).toEqual([])
  })

  const go = (path: string) => page.goto(`${site.url}${path}`)
  const path = () => page.url().slice(site.url.length)
  async function enter(to: string) {
    await go(to)
    await logIn(page)
    await page.waitForURL(`${site.url}${to}`)
  }

  it('asks who is there, says when they are not, and goes where they wanted; after logging out nothing is shown', async () => {
    await go(`${UI}/warming`)
    expect(path()).toBe(`${UI}/login?next=${encodeURIComponent(`${UI}/warming`)}`)
    // The answer to a wrong password is a 401, which browsers put on the console.
    await logIn(page, { email: 'admin@example.com', password: 'wrong' })
    await page.getByRole('alert').getByText('are wrong').waitFor()
    expect(await page.getByLabel('E-mail address').inputValue()).toBe('admin@example.com')
    expect(complaints.splice(0)).toEqual([expect.stringContaining('401')])

    await logIn(page)
    await page.getByRole('heading', { level: 1, name: 'Warming' }).waitFor()
    expect(path()).toBe(`${UI}/warming`)
    // Scripts must not see the session.
    expect(await page.evaluate('document.cookie')).not.toContain('freshet')

    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    await go(HOME)
    expect(path()).toBe(`${UI}/login`)
  })

  it('lets in nobody but administrators', async () => {
    await go(`${UI}/login`)
    await logIn(page, { email: 'editor@example.com', password: 'freshet-dev' })
    await page.getByText('logged in as editor').waitFor()
    expect(complaints.splice(0)).toEqual([expect.stringContaining('403')])
    // Which would say the same again.
    expect(await page.getByRole('link', { name: 'To the overview' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Log in as somebody else' }).click()
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
  })

  it('shows the hit rate move under traffic, without being asked again', async () => {
    await enter(HOME)
    const reads = async () => Number((await textOf(page.locator('#reads'))).replace(/\D/g, ''))
    const before = await reads()
    let last = Date.now()
    await eventually(
      'the figures follow',
      async () => {
        // An isolate tells of itself behind an answer, at most every 10 s.
        if (Date.now() - last > 1000) {
          last = Date.now()
          await makeHistory(site, 6)
        }
        return (await reads()) >= before + 30
      },
      40_000,
    )
    expect(await textOf(page.locator('#hit-rate'))).toMatch(/^\d+(\.\d)? %$/)
    await page.locator('#chart-hits canvas').waitFor()
    const chart = await page.locator('#chart-hits [role=img]').getAttribute('aria-label')
    expect(chart).toMatch(/Last step: Memory \+ KV \d+(\.\d)? %/)
    const step = page.locator('#chart-hits .u-legend .u-series').first()
    expect(await textOf(step)).toMatch(/\d\d:\d\d, the last step, not complete$/)
    await page.locator('#chart-hits summary').click()
    expect(await page.locator('#chart-hits tbody tr').count()).toBeGreaterThan(0)
    expect(path()).toBe(HOME)
  })

  it('finds a key, and shows it invalid after an update, and why', async () => {
    await site.api(`/api/content/${seedPostId(3)}`)
    await enter(`${UI}/browser`)
    await page.getByLabel('Namespace').selectOption('content')
    await page.getByLabel('Key begins with').fill(`item:${seedPostId(3)}`)
    await page.getByRole('button', { name: 'Search' }).click()
    await page.getByRole('link', { name: KEY, exact: true }).click()
    await page.getByRole('heading', { name: KEY }).waitFor()
    const memory = page.locator('#tier-memory')
    expect(await textOf(memory.locator('header .badge'))).toBe('valid')
    expect(await textOf(memory.locator('pre'))).toContain('"slug"')
    expect(await textOf(page.locator('#answer'))).toContain('this isolate’s memory')

    // Not through the API, which would put what it wrote into its own memory.
    await site.stack.sql([
      {
        sql: `INSERT INTO invalidation_log (event_id, type, patterns, payload, created_at) VALUES ('by-hand', 'content.update', ?, '{}', ?)`,
        params: [JSON.stringify([KEY]), Date.now()],
      },
    ])
    // Another read lets the fence see it; of another key, so that this one stays as it is.
    await eventually('the fence knows', async () => {
      await site.api('/api/config/site')
      return (await textOf(memory.locator('header .badge'))) === 'invalid by pattern'
    })
    expect(await textOf(memory.getByRole('status'))).toMatch(/Invalid since seq \d+: its key/)
    const newest = page.locator('#newest tbody tr').first()
    expect(await textOf(newest)).toContain(KEY)
    expect(await textOf(newest)).toContain('content.update')
    expect(await textOf(page.locator('#answer'))).toMatch(/D1|KV/)
  })

  it('sends a pattern after its preview, and no bad one', async () => {
    await site.api('/api/config/site')
    await enter(`${UI}/invalidations`)
    await page.getByRole('textbox', { name: 'Pattern' }).fill('config:val*')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('button', { name: 'Send this invalidation' }).count()).toBe(0)

    await page.getByRole('textbox', { name: 'Pattern' }).fill('config:*')
    await page.keyboard.press('Enter')
    const preview = page.locator('#preview')
    await preview.getByText('What config:* matches now').waitFor()
    expect(await textOf(preview)).toMatch(/[1-9]\d* by key/)
    const rows = () => site.stack.sql([{ sql: 'SELECT max(seq) AS head FROM invalidation_log', params: [] }])
    const [before] = await rows()
    await page.getByRole('button', { name: 'Send this invalidation' }).focus()
    expect(await rows()).toEqual([before])
    await page.keyboard.press('Enter')
    await page.getByText('every isolate obeys it').waitFor()
    const first = page.locator('#log tbody tr').first()
    expect(await textOf(first)).toContain('config:*')
    await eventually('the row is processed', async () => /after \d/.test(await textOf(first)))
  })

  it('replays a dead letter, discards another, and says when one is gone', async () => {
    await makeDeadLetter(site, 'first')
    await makeDeadLetter(site, 'second <script>alert(1)</script>')
    await enter(`${UI}/dead-letters`)
    await page.getByRole('heading', { name: '2 dead letters' }).waitFor()
    await page.getByRole('link').getByText('five times in a row').first().click()
    expect(await textOf(page.locator('pre'))).toContain('"config.update"')
    await page.goBack()

    await page.getByRole('button', { name: 'Replay dead letter first' }).click()
    await page.getByText('puts it back into its queue').waitFor()
    await page.getByRole('heading', { name: '1 dead letter', exact: true }).waitFor()

    await page.getByText('Discard… dead letter second').click()
    await page.getByRole('button', { name: 'Discard it' }).click()
    await page.getByText('The dead letter is gone').waitFor()
    await page.getByText('No dead letters').waitFor()
    const [events] = await site.stack.sql([
      { sql: `SELECT 1 FROM invalidation_log WHERE event_id = 'first'`, params: [] },
    ])
    expect(events).toHaveLength(1)

    await go(`${UI}/dead-letters/first`)
    await page.getByText('is no more').waitFor()
  })

  it('shows a violation with both versions, and forgets it once it is understood', async () => {
    await makeViolation(site)
    await enter(`${UI}/verification`)
    await page.getByText('the fence had not read so far').click()
    const row = page.locator('#violations tbody tr').first()
    expect(await textOf(row)).toMatch(/Served, stamp 2.*"Old".*Current, seq 3.*"New"/s)
    await page.getByText('Forget them…').click()
    await page.getByRole('button', { name: 'Forget all violations' }).click()
    await page.getByText('No violations').waitFor()
  })

  it('clears a namespace only after asking', async () => {
    await site.api(`/api/content/${seedPostId(5)}`)
    await enter(`${UI}/namespaces/media`)
    await page.getByText('Clear media…').focus()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByText('Cleared.').waitFor()
    const [rows] = await site.stack.sql([
      { sql: 'SELECT patterns FROM invalidation_log ORDER BY seq DESC LIMIT 1', params: [] },
    ])
    expect(rows).toEqual([{ patterns: '["media:*"]' }])
  })

  it('hides the values of private namespaces', async () => {
    await site.api('/api/users/user-admin')
    await enter(`${UI}/key?key=${encodeURIComponent('user:profile:user-admin')}`)
    await page.locator('#tier-memory').getByText('Its value is private').waitFor()
    expect(await page.content()).not.toContain('Local admin')
  })

  it('works by keyboard alone: the first stop skips to the page, and each stop is seen', async () => {
    await enter(HOME)
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent.trim()')).toBe('Skip to the page')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.closest("main") !== null')).toBe(true)
    const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
    expect(outline).toBe('solid')
  })

  it('takes forms of its own pages only, and shows programs what they always got', async () => {
    await enter(HOME)
    const cookies = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ')
    const post = (origin: string | undefined) =>
      fetch(`${site.url}${UI}/clear`, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          Cookie: cookies,
          'Content-Type': 'application/x-www-form-urlencoded',
          ...(origin && { Origin: origin }),
        },
      })
    expect((await post('https://elsewhere.example')).status).toBe(403)
    expect((await post(undefined)).status).toBe(403)

    const anonymous = await fetch(`${site.url}${HOME}/stats`, { headers: { Accept: 'text/html' } })
    expect([anonymous.status, await anonymous.json()]).toEqual([
      401,
      expect.objectContaining({ success: false }),
    ])
    expect((await fetch(`${site.url}${HOME}`)).status).toBe(401)
    const page_ = await fetch(`${site.url}${HOME}`, { headers: { Accept: 'text/html', Cookie: cookies } })
    expect(page_.headers.get('Content-Security-Policy')).not.toMatch(/unsafe|https?:|\*/)
    expect(page_.headers.get('Cache-Control')).toBe('no-store')
    const asset = /src="([^"]+)"/.exec(await page_.text())?.[1] ?? ''
    const script = await fetch(`${site.url}${asset}`)
    expect(script.headers.get('Cache-Control')).toContain('immutable')
    expect(script.headers.get('Content-Type')).toContain('javascript')
    expect((await fetch(`${site.url}${UI}/assets/dashboard.0000000000000000.js`)).status).toBe(404)
  })

  it('runs nothing inline, whoever puts it there: the browser says so', async () => {
    await enter(HOME)
    await page.evaluate(`const script = document.createElement('script')
script.textContent = 'globalThis.ran = true'
document.body.append(script)
document.body.setAttribute('style', 'color: red')`)
    expect(await page.evaluate('[globalThis.ran, document.body.style.color]')).toEqual([undefined, ''])
    const [script, style] = complaints.splice(0)
    expect([script, style]).toEqual([
      expect.stringContaining('Content Security Policy'),
      expect.stringContaining('Content Security Policy'),
    ])
  })

  it('says so when the server is gone or the session is over, and can be paused', async () => {
    await page.clock.install()
    await enter(`${UI}/warming`)
    const status = page.locator('#live-status')
    const says = (words: RegExp) =>
      eventually(`it says ${words}`, async () => {
        await page.clock.runFor(5000)
        return words.test(await textOf(status))
      })
    await says(/^Updated/)
    await page.route('**/ui/warming', (route) => route.abort())
    await says(/No connection/)
    expect(await status.getAttribute('aria-live')).toBe('polite')
    expect(complaints.splice(0).join()).toContain('ERR_FAILED')
    await page.unroute('**/ui/warming')
    await context.clearCookies()
    await says(/log in again/)
    // More than one poll may have met the closed door, and be told of later.
    expect(complaints.splice(0).filter((one) => !one.includes('ERR_FAILED'))).toEqual([])
    await page.getByRole('button', { name: 'Live' }).click()
    expect(await textOf(status)).toBe('Paused')
    await page.clock.runFor(20_000)
    expect(await textOf(status)).toBe('Paused')
  })

  it('says what could be set better, with the figures and patterns behind it', async () => {
    await enter(`${UI}/recommendations`)
    await page.getByText('Nothing to change').waitFor()
    await makeAdvice(site)
    await page.reload()
    const advice = page.locator('main section')
    const titles = await advice.locator('h2').allTextContents()
    expect(titles).toEqual([
      'api has large values',
      'media gains little from the cache',
      'api is written to KV and hardly read from it',
      'api is invalidated more than it changes',
      'media expires before it is read again',
    ])
    expect(await textOf(advice.nth(1))).toMatch(/Of 1,300 reads 15\.3 % were hits.*D1 queries saved.?−900/s)
    expect(await textOf(advice.nth(2))).toMatch(/Spent on KV.?\$0\.0/)
    expect(await textOf(advice.nth(3))).toMatch(/api:feed:published:\* in \d+ events?/)
    expect(await textOf(advice.nth(4))).toMatch(/Lifetime.?1 h/)
  })

  it('says of what was cached as not found that it was', async () => {
    await site.api('/api/content/not-there')
    await enter(`${UI}/browser?namespace=content&prefix=item:not-there`)
    await page.locator('#keys tbody').getByText('cached as not found', { exact: true }).waitFor()
  })

  it('tells names in KV that an invalidation has left behind from the one that is read', async () => {
    const post = seedPostId(6)
    await site.api(`/api/content/${post}`)
    await enter(`${UI}/browser?tier=kv&namespace=content&prefix=item:${post}`)
    const rows = page.locator('#keys tbody tr')
    const eventuallyShown = (what: string, check: () => Promise<boolean>) =>
      eventually(what, async () => {
        await page.reload()
        return check()
      })
    await eventuallyShown('KV has it', async () => (await rows.count()) === 1)
    await site.api(`/api/content/${post}`, { method: 'PUT', body: { title: 'Left behind' } })
    await eventuallyShown('KV has both', async () => (await rows.count()) === 2)
    expect(await rows.getByText('superseded', { exact: true }).count()).toBe(1)
    expect(await rows.locator('.badge.ok').allTextContents()).toEqual(['valid'])
    await page.getByText('Superseded names are asked for by nobody').waitFor()
  })

  it('shows what the pipeline did over time, and what waits', async () => {
    await site.api(`/api/content/${seedPostId(4)}`, { method: 'PUT', body: { title: 'Warmed' } })
    await enter(`${UI}/warming`)
    const figure = page.locator('#warming-figures .stat').filter({ hasText: 'Jobs done' }).locator('.figure')
    await eventually('a job ran', async () => Number(await textOf(figure)) > 0)
    await page.reload()
    await page.locator('#chart-jobs canvas').waitFor()
    await page.locator('#popular').getByRole('columnheader', { name: 'Reads, estimated' }).waitFor()
    expect(await textOf(page.locator('#warming-figures'))).toMatch(/Waiting, high lane\d+as of/)
    await go(`${UI}/invalidations`)
    await page.locator('#chart-events canvas').waitFor()
    const label = await page.locator('#chart-events [role=img]').getAttribute('aria-label')
    expect(label).toMatch(/Last step: Processed \d+, Sweep goes on \d+, Dead letters \d+/)
  })

  it('draws its charts where the machine has no locale', async () => {
    await page.addInitScript(
      "Object.defineProperty(Navigator.prototype, 'language', { get: () => 'en-US@posix', configurable: true })",
    )
    await enter(HOME)
    await page.locator('[data-chart] canvas').first().waitFor()
  })

  // Each page in both themes and at both widths; screenshots.bin.ts has all four of each, for people.
  it.each([
    { theme: 'light', width: 1440 },
    { theme: 'dark', width: 375 },
  ] as const)('has no serious fault that axe finds: $theme at $width px', async ({ theme, width }) => {
    await makeDeadLetter(site, `axe-${theme}`)
    await makeViolation(site)
    await context.close()
    context = await visit(browser, { theme, width })
    ;({ complaints } = watch(context, site.url))
    page = await context.newPage()
    await go(`${UI}/login`)
    const found = await faults(page)
    await logIn(page)
    await page.waitForURL(`${site.url}${HOME}`)
    const all = [
      ...Object.values(PAGES),
      `${UI}/key?key=${encodeURIComponent(KEY)}`,
      `${UI}/dead-letters/axe-${theme}`,
    ]
    for (const one of all) {
      await go(one)
      found.push(...(await faults(page)).map((fault) => `${one}: ${fault}`))
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
      if (overflow > 0) found.push(`${one}: ${overflow} px wider than its window`)
    }
    expect(found).toEqual([])
  })
})
