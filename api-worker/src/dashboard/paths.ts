import { ADMIN_PATH } from '../http/admin.ts'

/** Where the pages are. The first of them is also at `/admin/cache` itself, for browsers. */
export const UI_PATH = `${ADMIN_PATH}/ui`

/** The pages, in the order of the navigation. */
export const PAGES = [
  { path: ADMIN_PATH, title: 'Overview' },
  { path: `${UI_PATH}/namespaces`, title: 'Namespaces' },
  { path: `${UI_PATH}/browser`, title: 'Browser' },
  { path: `${UI_PATH}/invalidations`, title: 'Invalidations' },
  { path: `${UI_PATH}/warming`, title: 'Warming' },
  { path: `${UI_PATH}/dead-letters`, title: 'Dead letters' },
  { path: `${UI_PATH}/verification`, title: 'Verification' },
  { path: `${UI_PATH}/recommendations`, title: 'Recommendations' },
] as const

/**
 * A path with a query string of what is given.
 * @param query empty values are left out
 */
export function withQuery(
  path: string,
  query: Readonly<Record<string, string | number | null | undefined>>,
): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value != null && value !== '') search.set(name, String(value))
  }
  return search.size === 0 ? path : `${path}?${search}`
}

/** Where to go after logging in: a page of ours, whatever the address bar says. */
export function safeNext(next: string | undefined): string {
  const base = 'https://here.invalid'
  if (next === undefined || !URL.canParse(next, base)) return ADMIN_PATH
  const { origin, pathname, search } = new URL(next, base)
  const isOurs = origin === base && (pathname === ADMIN_PATH || pathname.startsWith(`${UI_PATH}/`))
  return isOurs && !pathname.startsWith(`${UI_PATH}/log`) ? `${pathname}${search}` : ADMIN_PATH
}

/** Whether the client wants a page: only browsers ask for HTML by name. */
export function wantsPage(accept: string | undefined): boolean {
  return accept !== undefined && /(?:^|,)\s*(?:text\/html|application\/xhtml\+xml)\s*(?:[;,]|$)/i.test(accept)
}
