import type { EventType } from './events/event.ts'

/** After these, what they name must be gone, and not only be served no more: it was deleted, withdrawn, or is somebody's. */
const REMOVALS: ReadonlySet<string> = new Set<EventType>([
  'content.delete',
  'content.unpublish',
  'media.delete',
  'user.delete',
  'auth.logout',
])

/**
 * The patterns of an event whose entries the consumer takes out of KV. Lists have copies of what is gone as well, and go when
 * they expire: going through all lists for each deletion would cost more than it is worth.
 */
export function mustGo({ type, patterns }: { type: string; patterns: readonly string[] }): readonly string[] {
  return REMOVALS.has(type) ? patterns.filter((pattern) => !pattern.startsWith('api:')) : []
}
