import {
  CachedRepository,
  type CacheResult,
  type CacheService,
  type Change,
  type Current,
  type Database,
  type ReadOptions,
  type Source,
  type Written,
} from '@freshet/cache-core'
import * as v from 'valibot'
import type { BulkAction, ContentCreate, ContentUpdate } from '../input/content.ts'
import type { ContentPage } from '../input/list.ts'
import { type ContentItem, type ContentRef, ContentRow } from '../model/content.ts'
import type { Page } from '../model/page.ts'
import { contentItem } from '../resources/content-item.ts'
import { contentFeed, contentList, featured } from '../resources/content-lists.ts'
import { contentSlug } from '../resources/content-slug.ts'
import { CONTENT_COLUMNS, CONTENT_JOINS } from '../resources/content-sql.ts'
import { rowsOf } from '../resources/rows.ts'
import { type Clock, sql } from './change.ts'
import { brokenUnique, ConstraintError, isBrokenReference } from './constraint-error.ts'
import { deleteContent, insertContent, updateContent } from './content-changes.ts'

/** Which items a list is of: those of one collection, of all, or the featured ones of all. */
export type ContentScope = { collection: string } | 'all' | 'featured'

/** What became of one item of a bulk action. */
export interface BulkResult {
  id: string
  status: 'ok' | 'unchanged' | 'not_found' | 'conflict'
}

/** Content, with the events that its changes cause. */
export class ContentRepository extends CachedRepository<
  ContentItem,
  Page<ContentItem>,
  ContentPage & { scope: ContentScope },
  ContentCreate,
  ContentUpdate
> {
  readonly #clock: Clock

  constructor(cache: CacheService, db: Database, clock: Clock) {
    super(cache, db)
    this.#clock = clock
  }

  /** @returns the id of the item at an address; `findById` has the item */
  findBySlug(collection: string, slug: string, options?: ReadOptions): Promise<CacheResult<ContentRef>> {
    return this.cache.read(contentSlug.at({ collection, slug }), options)
  }

  /** @throws ConstraintError for a slug that is taken, or a collection, author or file that does not exist */
  override create(input: ContentCreate): Promise<Written<ContentItem>> {
    return super.create(input).catch((error) => this.#explain(error, input))
  }

  /** @throws ConstraintError for a slug that is taken, or an author or file that does not exist */
  override update(id: string, input: ContentUpdate, expectedVersion?: number): Promise<Written<ContentItem>> {
    return super.update(id, input, expectedVersion).catch((error) => this.#explain(error, input))
  }

  /** Makes an item public; changes nothing when it is. */
  publish(id: string, expectedVersion?: number): Promise<Written<ContentItem>> {
    return this.modify(id, (current) => this.#bulkChange('publish', current), expectedVersion)
  }

  /** Makes a public item a draft; changes nothing when it is not public. */
  unpublish(id: string, expectedVersion?: number): Promise<Written<ContentItem>> {
    return this.modify(id, (current) => this.#bulkChange('unpublish', current), expectedVersion)
  }

  /**
   * Does the same to many items, in one transaction.
   * @param ids at most 100; one that is named twice counts once
   */
  async bulk(
    action: BulkAction,
    ids: readonly string[],
  ): Promise<{ results: BulkResult[]; bookmark: string | null }> {
    const distinct = [...new Set(ids)]
    const items = await this.#currentOf(distinct)
    const planned = new Map<string, Change>()
    for (const item of items.values()) {
      const current = { value: item, version: item.version }
      for (const change of this.#bulkChange(action, current)) planned.set(item.id, change)
    }
    const write = planned.size === 0 ? null : await this.cache.write([...planned.values()])
    const changed = new Map([...planned.keys()].map((id, i) => [id, write?.changes[i]?.changed === true]))
    const statusOf = (id: string): BulkResult['status'] => {
      if (!items.has(id)) return 'not_found'
      const made = changed.get(id)
      if (made === undefined) return 'unchanged'
      return made ? 'ok' : 'conflict'
    }
    return {
      results: distinct.map((id) => ({ id, status: statusOf(id) })),
      bookmark: write?.bookmark ?? null,
    }
  }

  protected item(id: string): Source<ContentItem> {
    return contentItem.at({ id })
  }

  protected list({ scope, ...page }: ContentPage & { scope: ContentScope }): Source<Page<ContentItem>> {
    if (scope === 'all') return contentFeed.at(page)
    if (scope === 'featured') return featured.at(page)
    return contentList.at({ collection: scope.collection, ...page })
  }

  protected async current(id: string): Promise<Current<ContentItem> | null> {
    const value = await this.cache.query(this.item(id).load(this.db))
    return value && { value, version: value.version }
  }

  protected override recalled(id: string): Current<ContentItem> | null {
    const value = this.cache.recall(this.item(id))
    return value && { value, version: value.version, isRecalled: true }
  }

  protected insertion(input: ContentCreate): { id: string; changes: Change[] } {
    const id = this.#clock.uuid()
    return { id, changes: [insertContent(this.db, this.#clock, id, input)] }
  }

  protected modification(current: Current<ContentItem>, input: ContentUpdate): Change[] {
    return [updateContent(this.db, this.#clock, current, input)]
  }

  protected removal(current: Current<ContentItem>): Change[] {
    return [deleteContent(this.db, current)]
  }

  /** The change that an action means for an item; none when it is already so. */
  #bulkChange(action: BulkAction, current: Current<ContentItem>): Change[] {
    if (action === 'delete') return [deleteContent(this.db, current)]
    if ((action === 'publish') === (current.value.status === 'published')) return []
    const status = action === 'publish' ? 'published' : 'draft'
    return [updateContent(this.db, this.#clock, current, { status })]
  }

  async #currentOf(ids: readonly string[]): Promise<Map<string, ContentItem>> {
    const items = await this.cache.query({
      statements: [
        sql(
          this.db,
          `SELECT ${CONTENT_COLUMNS} FROM json_each(?) AS wanted CROSS JOIN content AS c ON c.id = wanted.value ${CONTENT_JOINS}`,
          [JSON.stringify(ids)],
        ),
      ],
      decode: (results) => rowsOf(ContentRow, results),
    })
    return new Map(items?.map((item) => [item.id, item]))
  }

  /** Turns a broken constraint into an error that names the field. */
  async #explain(error: unknown, input: ContentUpdate & { collection?: string }): Promise<never> {
    if (brokenUnique(error).includes('content.slug')) {
      throw new ConstraintError('slug', `the slug "${input.slug}" is taken in this collection`)
    }
    if (isBrokenReference(error)) {
      for (const { field, table, id } of referencesOf(input)) {
        const found = await this.cache.query({
          statements: [sql(this.db, `SELECT id FROM ${table} WHERE id = ?`, [id])],
          decode: (results) => rowsOf(IdRow, results),
        })
        if (found?.length === 0) throw new ConstraintError(field, `there is no "${id}" in ${table}`)
      }
    }
    throw error
  }
}

const IdRow = v.object({ id: v.string() })

function referencesOf({ collection, authorId, featuredMediaId }: ContentUpdate & { collection?: string }) {
  const references = [
    { field: 'collection', table: 'collections', id: collection },
    { field: 'authorId', table: 'users', id: authorId },
    { field: 'featuredMediaId', table: 'media', id: featuredMediaId },
  ]
  return references.flatMap(({ field, table, id }) => (typeof id === 'string' ? [{ field, table, id }] : []))
}
