import * as v from 'valibot'
import { type MessageQueue, type Runtime, systemRuntime } from '../ports.ts'
import { type Recipe, RecipeSchema } from '../source.ts'
import type { LogEvent } from '../write/types.ts'
import { fitsMessage, splitBatches } from './batches.ts'

/** Of the messages on `cache-events`. A consumer keeps what it cannot read, so raise it with care. */
const VERSION = 1

const Version = v.literal(VERSION)
const Id = v.pipe(v.string(), v.minLength(1), v.maxLength(200))
const Seq = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

const EventMessageSchema = v.object({
  v: Version,
  id: Id,
  type: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
  payload: v.unknown(),
  /** Of the request that made it: for the lines that are logged of it. */
  requestId: v.optional(v.pipe(v.string(), v.maxLength(100))),
})

const ReplayMessageSchema = v.object({ v: Version, replay: Id })

const SweepSchema = v.object({
  /** The events that asked for it, to note in the log what was swept. */
  eventIds: v.array(Id),
  ranges: v.array(
    v.object({
      /** Of the names in KV. */
      prefix: v.string(),
      /** What goes, with the seq below which it does. */
      patterns: v.array(v.tuple([v.string(), Seq])),
      /** Where the listing goes on; null from its start. */
      cursor: v.nullable(v.string()),
    }),
  ),
  /** What the events' rows name as the message that goes on: the first one to do so names the next. */
  link: v.string(),
  /** A restored log uses its numbers twice: a sweep of another epoch is void. */
  epoch: v.string(),
})
const SweepMessageSchema = v.object({ v: Version, sweep: SweepSchema })

const WarmAllMessageSchema = v.object({ v: Version, warmAll: v.literal(true) })

/** Recipes in one message, far below what a queue takes. */
const MAX_RECIPES = 100
const WarmRecipesMessageSchema = v.object({
  v: Version,
  warm: v.pipe(v.array(RecipeSchema), v.minLength(1), v.maxLength(MAX_RECIPES)),
})

const CheckSchema = v.object({
  recipe: RecipeSchema,
  /** Of the event that it was written after. */
  eventId: Id,
  /** How long after it the check is made. */
  afterSeconds: v.pipe(v.number(), v.minValue(0)),
})
const CheckMessageSchema = v.object({ v: Version, check: CheckSchema })

/** What travels on `cache-events`. Patterns do not: the log has them, and for a producer's event the rules make them. */
export type EventMessage = v.InferOutput<typeof EventMessageSchema>

/** Asks the consumer to put a dead letter back where it belongs. */
export type ReplayMessage = v.InferOutput<typeof ReplayMessageSchema>

/** What is left of a sweep that was over its budget. */
export type Sweep = v.InferOutput<typeof SweepSchema>
export type SweepMessage = v.InferOutput<typeof SweepMessageSchema>

/** Asks the consumer for a full warm-up: with what it runs under, a new `CACHE_VERSION` for example. */
export type WarmAllMessage = v.InferOutput<typeof WarmAllMessageSchema>

/** Asks the consumer to warm what an operator names. */
export type WarmRecipesMessage = v.InferOutput<typeof WarmRecipesMessageSchema>

/** Asks the consumer to compare what KV serves for a recipe with D1. */
export type Check = v.InferOutput<typeof CheckSchema>
export type CheckMessage = v.InferOutput<typeof CheckMessageSchema>

/** One message of `cache-events`, by what it asks for; `problem` says in words why it is none. */
export type PipelineMessage =
  | { kind: 'event'; message: EventMessage }
  | { kind: 'replay'; message: ReplayMessage }
  | { kind: 'sweep'; message: SweepMessage }
  | { kind: 'warmAll'; message: WarmAllMessage }
  | { kind: 'warm'; message: WarmRecipesMessage }
  | { kind: 'check'; message: CheckMessage }
  | Poison
type Poison = { kind: 'poison'; problem: string }

/** An event as a producer has it. */
export interface ProducerEvent {
  /** Yours, up to 200 characters, where you have one: a second event of the same id changes nothing. */
  id?: string
  type: string
  payload: unknown
}

/** Thrown for an event that cannot be sent; the message says which and why. */
export class ProducerEventError extends Error {
  override name = 'ProducerEventError'
}

/**
 * The message that tells the consumer of an event.
 * @param requestId of the request that made it, where it has one
 */
export function eventMessage(
  event: Pick<LogEvent, 'id' | 'type' | 'payload'>,
  requestId?: string,
): EventMessage {
  // JSON has no undefined: without this, the message would come out of the queue without its payload.
  const message = { v: VERSION, id: event.id, type: event.type, payload: event.payload ?? null } as const
  return requestId === undefined ? message : { ...message, requestId }
}

/** @param id of the dead letter */
export function replayMessage(id: string): ReplayMessage {
  return { v: VERSION, replay: id }
}

export function sweepMessage(sweep: Sweep): SweepMessage {
  return { v: VERSION, sweep }
}

/** A full warm-up, please. */
export function warmAllMessage(): WarmAllMessage {
  return { v: VERSION, warmAll: true }
}

/** @param recipes at most 100 */
export function warmRecipesMessage(recipes: readonly Recipe[]): WarmRecipesMessage {
  return { v: VERSION, warm: recipes.map(({ resource, params }) => ({ resource, params: { ...params } })) }
}

export function checkMessage({ recipe, eventId, afterSeconds }: CheckOf): CheckMessage {
  const { resource, params } = recipe
  return { v: VERSION, check: { recipe: { resource, params: { ...params } }, eventId, afterSeconds } }
}

/** A check as it is asked for. */
type CheckOf = Omit<Check, 'recipe'> & { recipe: Recipe }

/**
 * Messages for logged events, in batches that a queue takes. A payload that no message could hold stays behind: the consumer
 * reads it from the log, and without a message for it the event would never be processed.
 */
export function eventBatches(
  events: readonly Pick<LogEvent, 'id' | 'type' | 'payload'>[],
  requestId?: string,
): { body: EventMessage }[][] {
  const messages = events.map((event) => eventMessage(event, requestId))
  return splitBatches(
    messages.map((message) => (fitsMessage(message) ? message : { ...message, payload: null })),
  )
}

/**
 * Sends events from any Worker with a binding of `cache-events`; the consumer gives them their place in the log. Give ids of
 * your own where a failed call is repeated: a queue that failed may have taken some.
 * @param source makes the ids of events without one
 * @returns the ids, in the order of the events
 * @throws ProducerEventError, MessageTooLargeError before anything is sent; whatever the queue throws
 * @example
 * await sendEvents(env.EVENTS, [{ type: 'media.update', payload: { id: 'm1' } }])
 */
export async function sendEvents(
  queue: Pick<MessageQueue, 'sendBatch'>,
  events: readonly ProducerEvent[],
  source: Pick<Runtime, 'uuid'> = systemRuntime,
): Promise<string[]> {
  const messages = events.map(({ id, type, payload }, place) => {
    const message = eventMessage({ id: id ?? source.uuid(), type, payload })
    const parsed = v.safeParse(EventMessageSchema, message)
    if (!parsed.success) throw new ProducerEventError(`event ${place}: ${problemOf(parsed.issues)}`)
    // The consumer would take it for a late copy of what the library has logged, and do nothing.
    if (type.startsWith(OWN_TYPES))
      throw new ProducerEventError(
        `event ${place}: type: "${OWN_TYPES}" is how the library's own types begin`,
      )
    return message
  })
  for (const batch of splitBatches(messages)) await queue.sendBatch(batch)
  return messages.map(({ id }) => id)
}

/** @returns the message, or in words what is wrong with it */
export function parseEventMessage(body: unknown): { kind: 'event'; message: EventMessage } | Poison {
  return parseAs('event', EventMessageSchema, body)
}

/** Tells apart what travels on `cache-events`. What says that it is something else is never taken for an event. */
export function parsePipelineMessage(body: unknown): PipelineMessage {
  const says = (field: string) => typeof body === 'object' && body !== null && Object.hasOwn(body, field)
  if (says('replay')) return parseAs('replay', ReplayMessageSchema, body)
  if (says('sweep')) return parseAs('sweep', SweepMessageSchema, body)
  if (says('warmAll')) return parseAs('warmAll', WarmAllMessageSchema, body)
  if (says('warm')) return parseAs('warm', WarmRecipesMessageSchema, body)
  if (says('check')) return parseAs('check', CheckMessageSchema, body)
  return parseEventMessage(body)
}

function parseAs<Kind extends string, Schema extends v.GenericSchema>(
  kind: Kind,
  schema: Schema,
  body: unknown,
): { kind: Kind; message: v.InferOutput<Schema> } | Poison {
  const parsed = v.safeParse(schema, body)
  return parsed.success
    ? { kind, message: parsed.output }
    : { kind: 'poison', problem: problemOf(parsed.issues) }
}

function problemOf(issues: readonly v.BaseIssue<unknown>[]): string {
  return issues.map((issue) => `${v.getDotPath(issue) ?? 'message'}: ${issue.message}`).join('; ')
}

/** How the types of what the library logs itself begin. */
const OWN_TYPES = 'cache.'
const OwnPayload = v.object({ patterns: v.array(v.string()) })

/**
 * Whether the library sent it, which logs what it sends first. Without a row it was processed and pruned, or a restore took it
 * and began a new epoch: a late copy has no effect left, and logged again it would take back a value that was set since.
 */
export function isOwn({ type, payload }: EventMessage): boolean {
  return type.startsWith(OWN_TYPES) && v.is(OwnPayload, payload)
}
