import type { Insertion } from './batch.ts'
import { SITE_BEGAN } from './times.ts'

export const CONFIG: Insertion = { table: 'config', columns: ['key', 'value', 'is_public', 'updated_at'] }

const SITE = {
  name: 'Freshet',
  description: 'A site to try a cache on',
  language: 'en',
  timezone: 'UTC',
  theme: { accent: '#0b6e6e', layout: 'wide' },
}

const MENUS = {
  main: [
    { label: 'Home', href: '/' },
    { label: 'Posts', href: '/posts' },
    { label: 'News', href: '/news' },
  ],
  footer: [
    { label: 'About', href: '/pages/about' },
    { label: 'Imprint', href: '/pages/imprint' },
  ],
}

/** Not for visitors: what a private entry is tried on. */
const MAIL = { host: 'mail.example.com', port: 587, from: 'site@example.com' }

export function configRows(): unknown[][] {
  return [
    ['site', SITE, 1, SITE_BEGAN],
    ['menus', MENUS, 1, SITE_BEGAN],
    ['mail', MAIL, 0, SITE_BEGAN],
  ]
}
