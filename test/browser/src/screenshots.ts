import { join } from 'node:path'
import { seedPostId } from '@freshet/cms/seed'
import { launchBrowser, visit } from './support/browser.ts'
import { makeDeadLetter, makeHistory, makeViolation } from './support/history.ts'
import { PAGES, THEMES, WIDTHS } from './support/pages.ts'
import { logIn, startSite } from './support/site.ts'

/** Every page, at both widths and in both themes, as PNG files for people to look at. */
export async function takeScreenshots(directory: string, say: (line: string) => void): Promise<void> {
  const site = await startSite()
  const browser = await launchBrowser()
  try {
    say('making a history to show')
    // Long enough for an isolate to tell of itself, and for charts of two minutes.
    for (let round = 0; round < 8; round++) {
      await makeHistory(site)
      await new Promise((resolve) => setTimeout(resolve, 10_500))
      await site.stack.runCron()
    }
    await makeDeadLetter(site)
    await makeViolation(site)
    const shown = {
      ...PAGES,
      key: `/admin/cache/ui/key?key=${encodeURIComponent(`content:item:${seedPostId(0)}`)}`,
      'dead-letter': '/admin/cache/ui/dead-letters/from-tomorrow',
      login: '/admin/cache/ui/login',
    }
    for (const width of WIDTHS) {
      for (const theme of THEMES) {
        const context = await visit(browser, { width, theme })
        const page = await context.newPage()
        await page.goto(`${site.url}${shown.login}`)
        await page.screenshot({ path: join(directory, `login-${width}-${theme}.png`) })
        await logIn(page)
        await page.waitForURL(`${site.url}${PAGES.overview}`)
        for (const [name, path] of Object.entries(shown)) {
          if (name === 'login') continue
          await page.goto(`${site.url}${path}`)
          await page.screenshot({ path: join(directory, `${name}-${width}-${theme}.png`), fullPage: true })
        }
        await context.close()
      }
    }
    say(`the screenshots are in ${directory}`)
  } finally {
    await browser.close()
    await site.stop()
  }
}
