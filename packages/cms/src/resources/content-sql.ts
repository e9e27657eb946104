import type { ContentSort, StatusFilter } from '../input/list.ts'
import { CONTENT_STATUSES, type ContentStatus } from '../model/content.ts'

/** What `ContentRow` reads, of `content` as c with its author as u and its featured media as f. */
export const CONTENT_COLUMNS = `c.id, c.collection_id AS collection, c.slug, c.title, c.status, c.version, c.data,
  CASE WHEN u.id IS NOT NULL THEN json_object('id', u.id, 'name', u.name) END AS author,
  CASE WHEN f.id IS NOT NULL THEN json_object('id', f.id, 'filename', f.filename, 'mimeType', f.mime_type, 'url', f.url,
    'alt', f.alt, 'width', f.width, 'height', f.height) END AS featuredMedia,
  c.created_at AS createdAt, c.updated_at AS updatedAt, c.published_at AS publishedAt`

/** Joins what an item shows besides itself to `content` as c. */
export const CONTENT_JOINS = `LEFT JOIN content_relationships AS ru ON ru.content_id = c.id AND ru.relation = 'author'
  LEFT JOIN users AS u ON u.id = ru.user_id
  LEFT JOIN content_relationships AS rf ON rf.content_id = c.id AND rf.relation = 'featuredMedia'
  LEFT JOIN media AS f ON f.id = rf.media_id`

/** The column behind each order. */
export const SORT_COLUMNS: Readonly<Record<ContentSort, string>> = {
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  publishedAt: 'published_at',
  title: 'title',
}

/** The statuses that a filter lets through. */
export function statusesOf(filter: StatusFilter): readonly ContentStatus[] {
  return filter === 'any' ? CONTENT_STATUSES : [filter]
}
