import type { Insertion } from './batch.ts'
import { SITE_BEGAN } from './times.ts'

export const COLLECTIONS: Insertion = {
  table: 'collections',
  columns: ['id', 'name', 'description', 'created_at'],
}

/** The collections that a seeded database has. */
export const SEED_COLLECTIONS = ['news', 'pages', 'posts'] as const
export type SeedCollection = (typeof SEED_COLLECTIONS)[number]

const DESCRIPTIONS: Readonly<Record<SeedCollection, string>> = {
  news: 'What happened',
  pages: 'What stays',
  posts: 'What we think',
}

export function collectionRows(): unknown[][] {
  return SEED_COLLECTIONS.map((id) => [
    id,
    `${id.charAt(0).toUpperCase()}${id.slice(1)}`,
    DESCRIPTIONS[id],
    SITE_BEGAN,
  ])
}

/** Of each 20 items one is a page, three are news, and 16 are posts. */
export function collectionOf(index: number): SeedCollection {
  const place = index % 20
  if (place === 0) return 'pages'
  return place <= 3 ? 'news' : 'posts'
}
