import type { Recipe, WarmPlans } from '@freshet/cache-core'
import type { EventPlan, WarmJob } from '@freshet/cache-core/pipeline'
import { type CmsEvent, type ContentChange, isEventType, parseEvent } from './events/event.ts'
import { FIRST_CONTENT_PAGE, FIRST_MEDIA_PAGE } from './input/list.ts'
import { resources } from './resources/table.ts'

/** 0 first: what every page needs, then what readers will ask for first, before what they may ask for next. */
const PRIORITY = { config: 0, item: 1, page: 2, list: 3 } as const

const site = resources.configValue.at({ key: 'site' }).recipe
const menus = resources.configValue.at({ key: 'menus' }).recipe
const activePlugins = resources.plugins.at({ status: 'active' }).recipe
const collections = resources.collections.at({}).recipe
const featured = resources.featured.at(FIRST_CONTENT_PAGE).recipe
const feed = resources.contentFeed.at(FIRST_CONTENT_PAGE).recipe
const firstPage = (collection: string): Recipe =>
  resources.contentList.at({ collection, ...FIRST_CONTENT_PAGE }).recipe

/** What every page of a site needs: read into memory when an isolate starts. */
export const startupRecipes: readonly Recipe[] = [site, menus, activePlugins, featured]

/**
 * What is kept warm on schedule. Every recipe is one that a route reads when its query string is empty; nothing private.
 * @param collectionIds the collections that exist
 */
export function scheduledRecipes(collectionIds: readonly string[]): Recipe[] {
  return [...startupRecipes, collections, feed, ...collectionIds.map(firstPage)]
}

/**
 * What is worth having ready after an event: what it invalidated and many will read next. Nothing for drafts, which only
 * editors read, and nothing of users and sessions, which is private.
 * @returns an empty plan for events of other makers
 * @throws EventError when the payload does not fit the type
 */
export function warmPlan(type: string, payload: unknown): EventPlan {
  if (!isEventType(type)) return { jobs: [], gone: [] }
  const event = parseEvent(type, payload)
  const jobs = recipesAfter(event).map(([recipe, priority]): WarmJob => ({ recipe, priority, reason: type }))
  return { jobs, gone: goneAfter(event) }
}

/**
 * The plans of this content model, as `CacheWarmer` takes them.
 * @param collectionIds the collections that exist, asked when the schedule is made
 */
export function warmPlans(collectionIds: () => Promise<readonly string[]>): WarmPlans {
  const scheduled = async () => scheduledRecipes(await collectionIds())
  return { startup: startupRecipes, forEvent: warmPlan, scheduled }
}

/** What nobody can read any more. */
function goneAfter(event: CmsEvent): Recipe[] {
  switch (event.type) {
    case 'content.delete':
    case 'content.unpublish':
      return [itemOf(event.payload)]
    case 'media.delete':
      return [resources.mediaItem.at({ id: event.payload.id }).recipe]
    default:
      return []
  }
}

function recipesAfter(event: CmsEvent): [Recipe, number][] {
  switch (event.type) {
    case 'content.create':
    case 'content.update':
    case 'content.publish':
      return isPublic(event.payload)
        ? [[itemOf(event.payload), PRIORITY.item], ...listsOf(event.payload)]
        : []
    case 'content.unpublish':
    case 'content.delete':
      return isPublic(event.payload) ? listsOf(event.payload) : []
    case 'media.upload':
    case 'media.update':
      return [
        [resources.mediaItem.at({ id: event.payload.id }).recipe, PRIORITY.item],
        [resources.mediaList.at(FIRST_MEDIA_PAGE).recipe, PRIORITY.list],
      ]
    case 'media.delete':
      return [[resources.mediaList.at(FIRST_MEDIA_PAGE).recipe, PRIORITY.list]]
    case 'config.update':
      // Which other keys are public, an event does not say.
      return [site, menus]
        .filter(({ params }) => params.key === event.payload.key)
        .map((recipe) => [recipe, PRIORITY.config])
    case 'plugin.activate':
    case 'plugin.deactivate':
      return [
        ...startupRecipes.map((recipe): [Recipe, number] => [recipe, PRIORITY.config]),
        [collections, PRIORITY.list],
        [feed, PRIORITY.list],
      ]
    default:
      return []
  }
}

/** Whether the item is or was public: its event names the lists of published items. */
function isPublic({ statuses }: ContentChange): boolean {
  return statuses.includes('published')
}

function itemOf({ id }: ContentChange): Recipe {
  return resources.contentItem.at({ id }).recipe
}

function listsOf({ collection, featuredStatuses }: ContentChange): [Recipe, number][] {
  const lists: [Recipe, number][] = [
    [firstPage(collection), PRIORITY.page],
    [feed, PRIORITY.page],
  ]
  if (featuredStatuses.includes('published')) lists.push([featured, PRIORITY.page])
  return [...lists, [menus, PRIORITY.list]]
}
