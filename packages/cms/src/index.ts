/** The content model that both Workers share. */
export {
  type CmsEvent,
  type ContentChange,
  EVENT_TYPES,
  EventError,
  type EventType,
  isEventType,
  parseEvent,
} from './events/event.ts'
export { patternsOf, RULES } from './events/rules.ts'
export { ConfigInput, ConfigKeyInput } from './input/config.ts'
export {
  BULK_ACTIONS,
  type BulkAction,
  ContentBulkInput,
  type ContentCreate,
  ContentCreateInput,
  type ContentUpdate,
  ContentUpdateInput,
} from './input/content.ts'
export {
  ContentFeedQuery,
  ContentListQuery,
  type ContentPage,
  FIRST_CONTENT_PAGE,
  FIRST_MEDIA_PAGE,
  MediaListQuery,
  type MediaPage,
  PluginListQuery,
  type StatusFilter,
} from './input/list.ts'
export { MediaCreateInput, MediaUpdateInput } from './input/media.ts'
export { CollectionIdInput, IdInput, SlugInput } from './input/text.ts'
export { LoginInput, UserCreateInput, UserUpdateInput } from './input/user.ts'
export type { Collection } from './model/collection.ts'
export type { ConfigValue } from './model/config.ts'
export type { ContentItem, ContentRef, ContentStatus } from './model/content.ts'
export type { JsonObject } from './model/json.ts'
export type { MediaItem } from './model/media.ts'
export type { Listing, Page } from './model/page.ts'
export { may, type Permission, type Permissions, type Role } from './model/permissions.ts'
export type { Plugin } from './model/plugin.ts'
export type { SessionValue } from './model/session.ts'
export type { UserProfile } from './model/user.ts'
export { hashPassword, verifyPassword } from './password.ts'
export { CACHE_CONFIGS, type Namespace } from './policies.ts'
export type { Clock } from './repositories/change.ts'
export { CollectionRepository } from './repositories/collection.ts'
export { ConfigRepository } from './repositories/config.ts'
export { ConstraintError } from './repositories/constraint-error.ts'
export { type BulkResult, ContentRepository, type ContentScope } from './repositories/content.ts'
export { MediaRepository } from './repositories/media.ts'
export { PluginRepository } from './repositories/plugin.ts'
export { type NewSession, SessionRepository } from './repositories/session.ts'
export { type LoginUser, type NewUser, UserRepository } from './repositories/user.ts'
export { resources } from './resources/table.ts'
export { mustGo } from './sweeping.ts'
export { scheduledRecipes, startupRecipes, warmPlan, warmPlans } from './warm-plans.ts'
