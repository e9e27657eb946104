import type { Change, Current, Database, Statement } from '@freshet/cache-core'
import type { CmsEvent, ContentChange } from '../events/event.ts'
import type { ContentCreate, ContentUpdate } from '../input/content.ts'
import { type ContentItem, type ContentStatus, isFeatured } from '../model/content.ts'
import type { JsonObject } from '../model/json.ts'
import { type Clock, changeOf, eventOf, IF_LOGGED, sql } from './change.ts'

/** What the events of an item say of it. */
interface State {
  slug: string
  status: ContentStatus
  data: JsonObject
}

/** Inserts a new item at version 1. */
export function insertContent(db: Database, clock: Clock, id: string, input: ContentCreate): Change {
  const now = clock.now()
  const eventId = clock.uuid()
  const { collection, slug, title, status } = input
  const statement = sql(
    db,
    `INSERT INTO content (id, collection_id, slug, title, status, data, created_at, updated_at, published_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      id,
      collection,
      slug,
      title,
      status,
      JSON.stringify(input.data),
      now,
      now,
      status === 'published' ? now : null,
    ],
  )
  const event: CmsEvent = { type: 'content.create', payload: payloadOf({ id, collection }, null, input) }
  return changeOf('content', statement, eventOf(event, eventId), relations(db, id, eventId, input))
}

/** Changes the given fields of an item, and its version. */
export function updateContent(
  db: Database,
  clock: Clock,
  current: Current<ContentItem>,
  input: ContentUpdate,
): Change {
  const item = current.value
  const now = clock.now()
  const eventId = clock.uuid()
  const next = {
    title: input.title ?? item.title,
    slug: input.slug ?? item.slug,
    status: input.status ?? item.status,
    data: input.data ?? item.data,
  }
  const published = publishedAt(item, next.status, now)
  const guard = guardOf(current)
  const statement = sql(
    db,
    `UPDATE content SET title = ?, slug = ?, status = ?, data = ?, updated_at = ?, published_at = ?, version = version + 1
     WHERE ${guard.where}`,
    [next.title, next.slug, next.status, JSON.stringify(next.data), now, published, ...guard.values],
  )
  const event: CmsEvent = { type: updateType(item.status, next.status), payload: payloadOf(item, item, next) }
  return changeOf('content', statement, eventOf(event, eventId), relations(db, item.id, eventId, input))
}

/** Removes an item. */
export function deleteContent(db: Database, current: Current<ContentItem>): Change {
  const item = current.value
  const guard = guardOf(current)
  const statement = sql(db, `DELETE FROM content WHERE ${guard.where}`, guard.values)
  return changeOf(
    'content',
    statement,
    eventOf({ type: 'content.delete', payload: payloadOf(item, item, null) }),
  )
}

/**
 * The row that a change is made from. What memory recalls may be as old as Δ, and a raw SQL console raises no version: it would
 * be overwritten, and the event would name the wrong addresses and lists. So that is held against the row field by field; one
 * that says the same in other words only costs a second attempt.
 */
function guardOf({ value, version, isRecalled }: Current<ContentItem>) {
  const where = 'id = ? AND version = ?'
  const values = [value.id, version]
  if (!isRecalled) return { where, values }
  const { collection, slug, title, status, data, publishedAt: published } = value
  return {
    where: `${where} AND collection_id = ? AND slug = ? AND title = ? COLLATE BINARY AND status = ? AND data = ? AND published_at IS ?`,
    values: [
      ...values,
      collection,
      slug,
      title,
      status,
      JSON.stringify(data),
      published === null ? null : Date.parse(published),
    ],
  }
}

/** Publication is an event of its own, whichever request brings it about: what was public must be swept. */
function updateType(before: ContentStatus, after: ContentStatus) {
  if (before === after) return 'content.update'
  if (after === 'published') return 'content.publish'
  return before === 'published' ? 'content.unpublish' : 'content.update'
}

/** When the item was last published: a draft never was, an archived item keeps its date. */
function publishedAt(item: ContentItem, status: ContentStatus, now: number): number | null {
  if (status === 'published' && item.status !== 'published') return now
  if (status === 'draft' || item.publishedAt === null) return null
  return Date.parse(item.publishedAt)
}

function payloadOf(
  { id, collection }: { id: string; collection: string },
  before: State | null,
  after: State | null,
): ContentChange {
  const states = [before, after].filter((state) => state !== null)
  const statuses = [...new Set([...states.map(({ status }) => status), 'any' as const])]
  return {
    id,
    collection,
    slugs: before?.slug === after?.slug ? [] : states.map(({ slug }) => slug),
    statuses,
    featuredStatuses: states.some(({ data }) => isFeatured(data)) ? statuses : [],
  }
}

function relations(
  db: Database,
  contentId: string,
  eventId: string,
  { authorId, featuredMediaId }: Pick<ContentUpdate, 'authorId' | 'featuredMediaId'>,
): Statement[] {
  const statements: Statement[] = []
  if (authorId !== undefined)
    statements.push(relation(db, { contentId, eventId, kind: 'author', column: 'user_id', target: authorId }))
  if (featuredMediaId !== undefined) {
    statements.push(
      relation(db, {
        contentId,
        eventId,
        kind: 'featuredMedia',
        column: 'media_id',
        target: featuredMediaId,
      }),
    )
  }
  return statements
}

interface Relation {
  contentId: string
  eventId: string
  kind: 'author' | 'featuredMedia'
  column: 'user_id' | 'media_id'
  target: string | null
}

function relation(db: Database, { contentId, eventId, kind, column, target }: Relation): Statement {
  if (target === null) {
    const text = `DELETE FROM content_relationships WHERE content_id = ? AND relation = ? AND ${IF_LOGGED}`
    return sql(db, text, [contentId, kind, eventId])
  }
  return sql(
    db,
    `INSERT INTO content_relationships (content_id, relation, ${column}) SELECT ?, ?, ? WHERE ${IF_LOGGED}
     ON CONFLICT (content_id, relation) DO UPDATE SET ${column} = excluded.${column}`,
    [contentId, kind, target, eventId],
  )
}
