import * as v from 'valibot'
import { ConfigKeyInput } from '../input/config.ts'
import { STATUS_FILTERS } from '../input/list.ts'
import { CollectionIdInput, IdInput } from '../input/text.ts'

/** More than any change needs; keeps the product of the arrays small when an event comes from outside. */
const MAX_SLUGS = 8

/** The statuses of lists that change, `any` among them: it is the list that shows every status. */
const Statuses = v.pipe(v.array(v.picklist(STATUS_FILTERS)), v.maxLength(STATUS_FILTERS.length))
const WITH_ANY = 'must include "any"'

/** What an event of content says. All that decides which keys it touches, so that the rules need no database. */
const ContentChanged = v.strictObject({
  id: IdInput,
  collection: CollectionIdInput,
  /** Slugs whose owner changed: the new one of a created item, the old one of a deleted, both of a renamed. */
  slugs: v.pipe(v.array(IdInput), v.maxLength(MAX_SLUGS)),
  /** The status before and after, and `any`. */
  statuses: v.pipe(
    Statuses,
    v.check((statuses) => statuses.includes('any'), WITH_ANY),
  ),
  /** The same when the item is or was featured, otherwise empty. */
  featuredStatuses: v.pipe(
    Statuses,
    v.check((statuses) => statuses.length === 0 || statuses.includes('any'), WITH_ANY),
  ),
})
export type ContentChange = v.InferOutput<typeof ContentChanged>

const One = v.strictObject({ id: IdInput })
const User = v.strictObject({ userId: IdInput })
const Session = v.strictObject({
  session: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal')),
})
const Config = v.strictObject({ key: ConfigKeyInput })

function event<const T extends string, P extends v.GenericSchema>(type: T, payload: P) {
  return v.strictObject({ type: v.literal(type), payload })
}

const EventSchema = v.variant('type', [
  event('content.create', ContentChanged),
  event('content.update', ContentChanged),
  event('content.delete', ContentChanged),
  event('content.publish', ContentChanged),
  event('content.unpublish', ContentChanged),
  event('user.create', One),
  event('user.update', One),
  event('user.delete', One),
  event('auth.login', User),
  event('auth.logout', Session),
  event('media.upload', One),
  event('media.update', One),
  event('media.delete', One),
  event('config.update', Config),
  event('collection.update', v.strictObject({ id: CollectionIdInput })),
  event('plugin.activate', One),
  event('plugin.deactivate', One),
])

/** Something that happened to the content model. */
export type CmsEvent = v.InferOutput<typeof EventSchema>
export type EventType = CmsEvent['type']

/** All types of events. */
export const EVENT_TYPES: readonly EventType[] = EventSchema.options.map(
  (option) => option.entries.type.literal,
)

/** Whether a type is one of ours. */
export function isEventType(type: string): type is EventType {
  return EVENT_TYPES.some((known) => known === type)
}

/** Thrown for an event from outside that is none of ours; the message says what is wrong with it. */
export class EventError extends Error {
  override name = 'EventError'
}

/**
 * Checks an event that comes from outside: a queue, the log, a producer.
 * @throws EventError for an unknown type or a payload that does not fit it
 */
export function parseEvent(type: string, payload: unknown): CmsEvent {
  const parsed = v.safeParse(EventSchema, { type, payload })
  if (parsed.success) return parsed.output
  if (!isEventType(type)) {
    throw new EventError(`unknown event type "${type}"; there are: ${EVENT_TYPES.join(', ')}`)
  }
  const issues = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? 'event'}: ${issue.message}`)
  throw new EventError(`bad payload of ${type}: ${issues.join('; ')}`)
}
