import { join } from 'node:path'
import { seedPostId } from '@freshet/cms/seed'
import { launchBrowser, visit } from './support/browser.ts'
import { makeAdvice, makeDeadLetter, makeHistory, makeViolation } from './support/history.ts'
import { PAGES, THEMES, WIDTHS } from './support/pages.ts'
import { logIn, startSite } from './support/site.ts'

/** An isolate tells of itself at most this often. */
const ROUND_MS = 10_500

/**
 * Every page, at both widths and in both themes, as PNG files for people to look at.
 * @param minutes of traffic before: charts of two are short
 */
export async function takeScreenshots(
  directory: string,
  minutes: number,
  say: (line: string) => void,
): Promise<void> {
  const site = await startSite()
  const browser = await launchBrowser()

  async function look(pages: Readonly<Record<string, string>>): Promise<void> {
    for (const width of WIDTHS) {
      for (const theme of THEMES) {
        const context = await visit(browser, { width, theme })
        const page = await context.newPage()
        const shoot = (name: string, fullPage: boolean) =>
          page.screenshot({ path: join(directory, `${name}-${width}-${theme}.png`), fullPage })
        await page.goto(`${site.url}/admin/cache/ui/login`)
        await shoot('login', false)
        await logIn(page)
        await page.waitForURL(`${site.url}${PAGES.overview}`)
        for (const [name, path] of Object.entries(pages)) {
          await page.goto(`${site.url}${path}`)
          await shoot(name, true)
        }
        await context.close()
      }
    }
  }

  try {
    say(`making a history of ${minutes} min to show`)
    const end = Date.now() + minutes * 60_000
    while (Date.now() < end) {
      await makeHistory(site)
      await new Promise((resolve) => setTimeout(resolve, ROUND_MS))
      await site.stack.runCron()
    }
    const { overview } = PAGES
    await look({ 'overview-healthy': overview })
    await makeDeadLetter(site)
    await makeViolation(site)
    await look({
      ...PAGES,
      key: `/admin/cache/ui/key?key=${encodeURIComponent(`content:item:${seedPostId(0)}`)}`,
      'dead-letter': '/admin/cache/ui/dead-letters/from-tomorrow',
    })
    // Last: these figures are made up, those of the other pages were counted.
    await makeAdvice(site)
    await look({ 'recommendations-some': PAGES.recommendations })
    say(`the screenshots are in ${directory}`)
  } finally {
    await browser.close()
    await site.stop()
  }
}
