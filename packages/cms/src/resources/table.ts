import type { ResourceTable } from '@freshet/cache-core'
import { collections } from './collections.ts'
import { configValue } from './config.ts'
import { contentItem } from './content-item.ts'
import { contentFeed, contentList, featured } from './content-lists.ts'
import { contentSlug } from './content-slug.ts'
import { mediaItem, mediaList } from './media.ts'
import { plugins } from './plugins.ts'
import { session } from './session.ts'
import { userPermissions, userProfile } from './user.ts'

/** Everything that can be read through the cache. `sourceOf(resources, recipe)` finds the source of a recipe from outside. */
export const resources = {
  contentItem,
  contentSlug,
  contentList,
  contentFeed,
  featured,
  collections,
  mediaItem,
  mediaList,
  userProfile,
  userPermissions,
  configValue,
  plugins,
  session,
} satisfies ResourceTable
