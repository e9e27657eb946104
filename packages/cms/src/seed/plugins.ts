import type { Insertion } from './batch.ts'
import { SITE_BEGAN } from './times.ts'

export const PLUGINS: Insertion = {
  table: 'plugins',
  columns: ['id', 'name', 'version', 'status', 'settings', 'updated_at'],
}

const NAMES = [
  'SEO',
  'Forms',
  'Comments',
  'Analytics',
  'Sitemap',
  'Search',
  'Newsletter',
  'Image resizer',
  'Redirects',
  'Backups',
  'Translations',
  'Code highlighter',
]

/** Of each three plugins, two are active. */
export function* pluginRows(count: number): Generator<unknown[]> {
  for (let i = 0; i < count; i++) {
    const name = NAMES[i] ?? `Plugin ${i + 1}`
    const id = name.toLowerCase().replaceAll(' ', '-')
    const version = `1.${i}.0`
    yield [id, name, version, i % 3 === 2 ? 'inactive' : 'active', { order: i }, SITE_BEGAN]
  }
}
