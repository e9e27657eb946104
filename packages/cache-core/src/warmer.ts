import type { Isolate, RequestIo } from './isolate.ts'
import { coalescePlans, type EventPlan } from './pipeline/coalesce.ts'
import { type Lane, lanesOf, type WarmJob, warmMessages } from './pipeline/warm-job.ts'
import type { MessageQueue } from './ports.ts'
import { Reader } from './read/reader.ts'
import { type Recipe, type ResourceTable, sourceOf } from './source.ts'

/** Which recipes are worth having ready, and when. The content model knows, the library does not. */
export interface WarmPlans {
  /** On an isolate's first request: configuration, menus, whatever every page needs. */
  startup: readonly Recipe[]
  /** After an event: what to warm, and what is gone; nothing for types that it does not know. */
  forEvent(type: string, payload: unknown): EventPlan
  /** On schedule; may read the content model to say so. */
  scheduled(): readonly Recipe[] | Promise<readonly Recipe[]>
}

/** An event that something may be warmed after. */
export interface WarmEvent {
  id: string
  type: string
  payload: unknown
  /** The event's place: what is warmed must have seen it. */
  seq: number
  bookmark: string
}

/** The queues of warm jobs. */
export type WarmQueues = Readonly<Record<Lane, MessageQueue>>

/** A job after an event is worth doing for this long: by then its readers have loaded what they read. */
const DEADLINE_MS = 600_000

/** Cache warming: from KV into a new isolate's memory, and by jobs from D1 into KV. */
export class CacheWarmer {
  readonly #resources: ResourceTable
  readonly #plans: WarmPlans

  constructor(resources: ResourceTable, plans: WarmPlans) {
    this.#resources = resources
    this.#plans = plans
  }

  /**
   * Fills memory from KV alone, so that many isolates starting at once do not fall on D1.
   * @returns how many entries memory holds now
   */
  async warmOnStartup(isolate: Isolate, io: RequestIo): Promise<number> {
    const reader = new Reader(isolate, io)
    const sources = this.#plans.startup.map((recipe) => sourceOf(this.#resources, recipe))
    const keys = sources.map((source) => isolate.keyOf(source))
    return (await reader.findMany(keys, (json) => json)).size
  }

  /**
   * Sends the jobs that follow from events, coalesced over all of them.
   * @param now clock, ms
   * @returns the jobs that each event asked for, in order
   */
  async warmOnEvents(
    events: readonly WarmEvent[],
    queues: WarmQueues,
    now: number,
  ): Promise<EventPlan['jobs'][]> {
    const plans = events.map(({ id, type, payload, seq, bookmark }) => ({
      ...this.#plans.forEvent(type, payload),
      eventId: id,
      seq,
      bookmark,
    }))
    const jobs = coalescePlans(plans).map((job) => ({ ...job, deadline: now + DEADLINE_MS }))
    await sendJobs(jobs, queues, now)
    return plans.map((plan) => plan.jobs)
  }

  /** What the content model plans for the schedule. */
  async planned(): Promise<readonly Recipe[]> {
    return this.#plans.scheduled()
  }
}

/**
 * Sends jobs to the lane that each belongs to.
 * @param now clock, ms
 * @returns how many
 */
export async function sendJobs(jobs: readonly WarmJob[], queues: WarmQueues, now: number): Promise<number> {
  const { high, low } = lanesOf(jobs.map((job) => ({ ...job, bornAt: job.bornAt ?? now })))
  for (const [lane, own] of [
    ['high', high],
    ['low', low],
  ] as const) {
    for (const batch of warmMessages(own)) await queues[lane].sendBatch(batch)
  }
  return high.length + low.length
}
