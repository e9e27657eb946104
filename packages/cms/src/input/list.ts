import * as v from 'valibot'
import { CONTENT_STATUSES } from '../model/content.ts'

/** What lists of content can be sorted by, as the API calls it. */
export const CONTENT_SORTS = ['createdAt', 'updatedAt', 'publishedAt', 'title'] as const
export type ContentSort = (typeof CONTENT_SORTS)[number]

/** What lists of media can be sorted by. */
export const MEDIA_SORTS = ['createdAt', 'updatedAt', 'filename'] as const
export type MediaSort = (typeof MEDIA_SORTS)[number]

/** Which items a list shows: those of one status, or all. */
export const STATUS_FILTERS = [...CONTENT_STATUSES, 'any'] as const
export type StatusFilter = (typeof STATUS_FILTERS)[number]

const DIRECTIONS = ['asc', 'desc'] as const

const MAX_LIMIT = 100
const MAX_OFFSET = 999_999_999

/** A whole number as a query string writes it. */
function count(min: number, max: number, preset: string) {
  const range = `must be a whole number from ${min} to ${max}`
  return v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,9}$/, range),
      v.transform(Number),
      v.minValue(min, range),
      v.maxValue(max, range),
    ),
    preset,
  )
}

const pageQuery = {
  limit: count(1, MAX_LIMIT, '20'),
  offset: count(0, MAX_OFFSET, '0'),
  sortDirection: v.optional(v.picklist(DIRECTIONS), 'desc'),
}

const contentQuery = {
  ...pageQuery,
  sortBy: v.optional(v.picklist(CONTENT_SORTS), 'createdAt'),
  status: v.optional(v.picklist(STATUS_FILTERS), 'published'),
}

/** Query string of `GET /api/collections/:collection/content`. What is not known is refused. */
export const ContentListQuery = v.strictObject(contentQuery)

/** Query string of `GET /api/content`. */
export const ContentFeedQuery = v.strictObject({
  ...contentQuery,
  featured: v.optional(
    v.pipe(
      v.literal('true'),
      v.transform(() => true),
    ),
  ),
})

/** Query string of `GET /api/media`. */
export const MediaListQuery = v.strictObject({
  ...pageQuery,
  sortBy: v.optional(v.picklist(MEDIA_SORTS), 'createdAt'),
})

/** Query string of `GET /api/plugins`. */
export const PluginListQuery = v.strictObject({ status: v.optional(v.picklist(['active', 'all']), 'all') })

const pageParams = {
  limit: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_LIMIT)),
  offset: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_OFFSET)),
  sortDirection: v.picklist(DIRECTIONS),
}

/** One page of content, as a recipe has it. */
export const ContentPageParams = v.strictObject({
  ...pageParams,
  sortBy: v.picklist(CONTENT_SORTS),
  status: v.picklist(STATUS_FILTERS),
})
export type ContentPage = v.InferOutput<typeof ContentPageParams>

/** One page of media, as a recipe has it. */
export const MediaPageParams = v.strictObject({ ...pageParams, sortBy: v.picklist(MEDIA_SORTS) })
export type MediaPage = v.InferOutput<typeof MediaPageParams>

/** What a route reads when its query string is empty: so the first page is one entry, whoever asks for it. */
export const FIRST_CONTENT_PAGE: ContentPage = v.parse(ContentListQuery, {})
export const FIRST_MEDIA_PAGE: MediaPage = v.parse(MediaListQuery, {})
