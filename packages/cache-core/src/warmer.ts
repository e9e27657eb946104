import type { Isolate, RequestIo } from './isolate.ts'
import { type WarmJob, warmMessages } from './pipeline/warm-job.ts'
import type { MessageQueue } from './ports.ts'
import { Reader } from './read/reader.ts'
import { type Recipe, type ResourceTable, sourceOf } from './source.ts'

/** Which recipes are worth having ready, and when. The content model knows, the library does not. */
export interface WarmPlans {
  /** On an isolate's first request: configuration, menus, whatever every page needs. */
  startup: readonly Recipe[]
  /** After an event; none for types that it does not know. */
  forEvent(type: string, payload: unknown): readonly WarmJob[]
  /** On schedule; may read the content model to say so. */
  scheduled(): readonly WarmJob[] | Promise<readonly WarmJob[]>
}

/** An event that something may be warmed after. */
export interface WarmEvent {
  type: string
  payload: unknown
  /** The event's place: what is warmed must have seen it. */
  bookmark: string
}

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

  /** Sends the jobs that follow from events, one a recipe. @returns how many */
  warmOnEvents(events: readonly WarmEvent[], queue: MessageQueue): Promise<number> {
    const jobs = events.flatMap(({ type, payload, bookmark }) =>
      this.#plans.forEvent(type, payload).map((job) => ({ ...job, bookmark })),
    )
    return send(jobs, queue)
  }

  /** Sends the scheduled jobs. @returns how many */
  async scheduledWarm(queue: MessageQueue): Promise<number> {
    return send(await this.#plans.scheduled(), queue)
  }
}

async function send(jobs: readonly WarmJob[], queue: MessageQueue): Promise<number> {
  const batches = warmMessages(jobs)
  for (const batch of batches) await queue.sendBatch(batch)
  return batches.flat().length
}
