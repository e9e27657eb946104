import type { Isolate, RequestIo } from './isolate.ts'
import { type WarmJob, warmMessages } from './pipeline/warm-job.ts'
import type { MessageQueue } from './ports.ts'
import { Reader } from './read/reader.ts'
import { type Recipe, type ResourceTable, sourceOf } from './source.ts'

/** Which recipes are worth having ready, and when. Pure: the content model knows, the library does not. */
export interface WarmPlans {
  /** On an isolate's first request: configuration, menus, whatever every page needs. */
  startup: readonly Recipe[]
  /** After an event. */
  forEvent(type: string, payload: unknown): readonly WarmJob[]
  /** On schedule. */
  scheduled: readonly WarmJob[]
}

/** Cache warming: from KV into a new isolate's memory, and by jobs from D1 into KV. */
export class CacheWarmer {
  readonly #isolate: Isolate
  readonly #io: RequestIo
  readonly #resources: ResourceTable
  readonly #plans: WarmPlans

  constructor(isolate: Isolate, io: RequestIo, resources: ResourceTable, plans: WarmPlans) {
    this.#isolate = isolate
    this.#io = io
    this.#resources = resources
    this.#plans = plans
  }

  /**
   * Fills memory from KV alone, so that many isolates starting at once do not fall on D1.
   * @returns how many entries memory holds now
   */
  async warmOnStartup(): Promise<number> {
    const reader = new Reader(this.#isolate, this.#io)
    const sources = this.#plans.startup.map((recipe) => sourceOf(this.#resources, recipe))
    let warmed = 0
    for (const namespace of new Set(sources.map((source) => source.namespace))) {
      const keys = sources
        .filter((source) => source.namespace === namespace)
        .map((source) => this.#isolate.keyOf(source))
      warmed += (await reader.findMany(keys, (json) => json)).size
    }
    return warmed
  }

  /** Sends the jobs that follow from an event. @returns how many */
  warmOnEvent(type: string, payload: unknown, queue: MessageQueue): Promise<number> {
    return this.#enqueue(this.#plans.forEvent(type, payload), queue)
  }

  /** Sends the scheduled jobs. @returns how many */
  scheduledWarm(queue: MessageQueue): Promise<number> {
    return this.#enqueue(this.#plans.scheduled, queue)
  }

  async #enqueue(jobs: readonly WarmJob[], queue: MessageQueue): Promise<number> {
    for (const batch of warmMessages(jobs)) await queue.sendBatch(batch)
    return jobs.length
  }
}
