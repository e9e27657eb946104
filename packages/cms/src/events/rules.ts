import { escapeSegment } from '@freshet/cache-core'
import { type CmsEvent, type EventType, parseEvent } from './event.ts'

/**
 * A change of one item touches the item, the addresses that it took or left, and the lists that show or showed it:
 * those of its collection, of all collections and, when it is or was featured, of the featured ones; of its old and its
 * new status, and of all statuses.
 */
const CONTENT = [
  'content:item:{id}',
  'content:slug:{collection}:{slugs}',
  'api:list:{collection}:{statuses}:*',
  'api:feed:{statuses}:*',
  'api:featured:{featuredStatuses}:*',
]
/** Whatever shows the user has the tag `user:profile:{id}`, whatever they are logged in with `session:user:{id}`. */
const USER = ['user:profile:{id}', 'user:permissions:{id}']
const MEDIA = ['media:file:{id}', 'api:media:*']
/** A plugin may change anything that is configured or composed, as the plan has it. */
const PLUGIN = ['config:*', 'api:*']

/**
 * What each event invalidates: the one place that says so. Segments in braces are fields of the payload; a field that
 * is an array stands for each of its members, and for nothing when it is empty.
 */
export const RULES: Readonly<Record<EventType, readonly string[]>> = {
  'content.create': CONTENT,
  'content.update': CONTENT,
  'content.delete': CONTENT,
  'content.publish': CONTENT,
  'content.unpublish': CONTENT,
  'user.create': USER,
  'user.update': [...USER, 'session:user:{id}'],
  'user.delete': [...USER, 'session:user:{id}'],
  'auth.login': ['user:activity:{userId}'],
  'auth.logout': ['session:token:{session}'],
  'media.upload': MEDIA,
  'media.update': MEDIA,
  'media.delete': MEDIA,
  'config.update': ['config:value:{key}'],
  // Nobody's but a migration's or a console's: the API does not change collections.
  'collection.update': ['api:collections:all'],
  'plugin.activate': PLUGIN,
  'plugin.deactivate': PLUGIN,
}

/**
 * Derives what an event invalidates.
 * @returns patterns for the log; each value of the payload is escaped, so it is one segment and never a wildcard
 * @throws EventError for an unknown type or a payload that does not fit it
 */
export function patternsOf(type: string, payload: unknown): string[] {
  return patternsOfEvent(parseEvent(type, payload))
}

/** The same for an event that was checked before. */
export function patternsOfEvent(event: CmsEvent): string[] {
  const fields: Fields = event.payload
  return [...new Set(RULES[event.type].flatMap((template) => expand(template, fields)))]
}

type Fields = Readonly<Record<string, string | readonly string[]>>

/** Puts a payload's fields into a template: one pattern for each combination of their members. */
function expand(template: string, fields: Fields): string[] {
  let patterns: string[][] = [[]]
  for (const segment of template.split(':')) {
    const values = valuesOf(segment, fields)
    patterns = patterns.flatMap((pattern) => values.map((value) => [...pattern, value]))
  }
  return patterns.map((pattern) => pattern.join(':'))
}

function valuesOf(segment: string, fields: Fields): string[] {
  if (!segment.startsWith('{')) return [segment]
  const name = segment.slice(1, -1)
  const field = fields[name]
  if (field === undefined) throw new Error(`a rule names "${name}", which the payload does not have`)
  return (typeof field === 'string' ? [field] : field).map(escapeSegment)
}
