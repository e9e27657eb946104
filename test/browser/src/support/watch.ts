import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { BrowserContext, Page } from 'playwright-core'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** Notes what a browser complains of: errors on the console, what a policy stopped, requests to anybody else. */
export function watch(context: BrowserContext, url: string): { complaints: string[] } {
  const complaints: string[] = []
  const note = (page: Page) => {
    page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`))
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        complaints.push(`${page.url()}: ${message.text()}`)
    })
    page.on('request', (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith('data:'))
        complaints.push(`${page.url()} asks ${request.url()}`)
    })
  }
  context.on('page', note)
  for (const page of context.pages()) note(page)
  return { complaints }
}

/** What axe finds on a page that is serious or critical, in words. */
export async function faults(page: Page): Promise<string[]> {
  // Through the debugger's own world: the page's policy lets nobody add scripts.
  const axe = await import('node:fs/promises').then(({ readFile }) => readFile(AXE, 'utf8'))
  await page.evaluate(axe)
  const { violations } = await page.evaluate<AxeResults>('axe.run({ resultTypes: ["violations"] })')
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }) =>
      nodes.map(({ target, any }) => `${id}: ${help}: ${target} ${any[0]?.message ?? ''}`),
    )
}
