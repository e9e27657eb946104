import type { Source } from '@freshet/cache-core'
import {
  CACHE_CONFIGS,
  FIRST_CONTENT_PAGE,
  FIRST_MEDIA_PAGE,
  mustGo,
  patternsOf,
  resources,
  scheduledRecipes,
  warmPlan,
} from '@freshet/cms'
import { cmsOperations } from './cms-operations.ts'
import { COLLECTIONS, cmsSchema, FILES, HASHES, ITEMS, USERS } from './cms-schema.ts'
import type { KeySpec, Model } from './model.ts'

function key(source: Source<unknown>, owner: string | null = null): KeySpec {
  return { source, style: 'source', bound: 'staleness', announced: 'by commit', owner }
}

/** The real content model: its tables, resources, rules, repositories and policies. */
export function cmsModel(): Model {
  return {
    configs: CACHE_CONFIGS,
    resources,
    schema: cmsSchema,
    keys: [
      ...ITEMS.map((id) => key(resources.contentItem.at({ id }))),
      ...COLLECTIONS.map((collection) =>
        key(resources.contentList.at({ collection, ...FIRST_CONTENT_PAGE })),
      ),
      key(resources.contentFeed.at(FIRST_CONTENT_PAGE)),
      key(resources.contentFeed.at({ ...FIRST_CONTENT_PAGE, status: 'any' })),
      key(resources.featured.at(FIRST_CONTENT_PAGE)),
      ...ITEMS.slice(0, 3).map((slug, i) =>
        key(resources.contentSlug.at({ collection: COLLECTIONS[i % 2] ?? '', slug })),
      ),
      ...USERS.map((id) => key(resources.userProfile.at({ id }), id)),
      ...USERS.map((id) => key(resources.userPermissions.at({ id }), id)),
      ...HASHES.map((hash) => key(resources.session.at({ hash }), hash)),
      ...FILES.map((id) => key(resources.mediaItem.at({ id }))),
      key(resources.mediaList.at(FIRST_MEDIA_PAGE)),
      key(resources.configValue.at({ key: 'site' })),
      key(resources.plugins.at({ status: 'active' })),
    ],
    operations: cmsOperations,
    patternsOf,
    planOf: warmPlan,
    mustGo,
    scheduled: scheduledRecipes(COLLECTIONS),
  }
}
