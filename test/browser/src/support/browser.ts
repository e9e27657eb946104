import chromium from '@sparticuz/chromium'
import { type Browser, type BrowserContext, chromium as playwright } from 'playwright-core'

/** Flags of the package for Lambda that would hide what we look for, or that crash a browser with several pages. */
const UNWANTED = ['--disable-web-security', '--single-process', '--allow-running-insecure-content']

/** A real Chromium, from npm alone. */
export async function launchBrowser(): Promise<Browser> {
  return playwright.launch({
    executablePath: await chromium.executablePath(),
    args: chromium.args.filter((arg) => !UNWANTED.includes(arg) && !arg.startsWith('--headless')),
    headless: true,
  })
}

/** A visitor with cookies of their own. Without a locale Chromium takes that of the machine, which may be none at all. */
export async function visit(
  browser: Browser,
  { theme, width = 1440 }: { theme?: 'light' | 'dark'; width?: number } = {},
): Promise<BrowserContext> {
  const context = await browser.newContext({
    locale: 'en-GB',
    viewport: { width, height: width < 600 ? 760 : 900 },
    ...(theme && { colorScheme: theme }),
  })
  context.setDefaultTimeout(10_000)
  return context
}
