import { recipeText } from '@freshet/cache-core/pipeline'
import * as v from 'valibot'
import { START } from '../world/event-loop.ts'
import type { World } from '../world/world.ts'

const EventBody = v.object({ id: v.string(), type: v.string(), payload: v.unknown() })
const Scalar = v.union([v.string(), v.number(), v.boolean()])
export const WarmBody = v.object({
  recipe: v.object({ resource: v.string(), params: v.record(v.string(), Scalar) }),
  bookmark: v.optional(v.string()),
})

/** P4: no event is lost, and each has its effect before it counts as processed. */
export class Deliveries {
  readonly #world: World
  /** Events that queues took from outside producers, by id. */
  readonly #produced = new Map<string, { type: string; payload: unknown }>()
  /** Bodies that no consumer can read: each must end in the dead letters. */
  readonly #poison = new Set<string>()
  /** Highest position that a warm job was accepted with, by its recipe. */
  readonly #warmed = new Map<string, number>()
  /** What a restore took, between its backup and itself: nobody promised that. */
  readonly #taken = new Set<string>()
  #beforeRestore: string[] = []

  constructor(world: World) {
    this.#world = world
  }

  get poison(): ReadonlySet<string> {
    return this.#poison
  }

  /** A warm job was accepted by its queue. */
  warmed(body: unknown): void {
    const parsed = v.safeParse(WarmBody, body)
    if (!parsed.success) return
    const { recipe, bookmark = '.0' } = parsed.output
    const name = recipeText(recipe)
    this.#warmed.set(name, Math.max(this.#warmed.get(name) ?? 0, seqOf(bookmark)))
  }

  /** An outside producer's event was accepted by the queue. */
  produced(body: unknown): void {
    const parsed = v.safeParse(EventBody, body)
    if (parsed.success) this.#produced.set(parsed.output.id, parsed.output)
  }

  /** A message that no consumer can make sense of was accepted by a queue. */
  poisoned(body: unknown): void {
    this.#poison.add(JSON.stringify(body))
  }

  beforeRestore(): void {
    this.#beforeRestore = this.#kept()
  }

  restored(): void {
    const kept = new Set(this.#kept())
    for (const one of this.#beforeRestore) if (!kept.has(one)) this.#taken.add(one)
    // Jobs for positions that are given out once more say nothing about those.
    const { head } = this.#world.oracle
    for (const [name, seq] of this.#warmed) if (seq > head) this.#warmed.set(name, head)
  }

  /** Rows of the log were marked as processed: whatever is warm after their events was asked for before. */
  processed(): void {
    const { d1, model, oracle, verdicts } = this.#world
    const rows = d1.look('SELECT event_id FROM sim_processed')
    if (rows.length === 0) return
    d1.exec('DELETE FROM sim_processed')
    for (const { event_id: id } of rows) {
      const logged = oracle.logged.get(String(id))
      verdicts.checked.P4++
      if (logged === undefined || logged.type.startsWith('cache.')) continue
      for (const { recipe } of model.planOf(logged.type, logged.payload).jobs) {
        const name = recipeText(recipe)
        if ((this.#warmed.get(name) ?? 0) < logged.seq && !this.#isGone(name, logged.seq))
          this.#violate(`event ${id} at ${logged.seq} is processed before a job ${name} was sent for it`)
      }
    }
  }

  /** Whether a later event says that nobody can read it any more: then the two may come to nothing. */
  #isGone(name: string, seq: number): boolean {
    const { model, oracle } = this.#world
    return [...oracle.logged.values()].some(
      (later) =>
        later.seq >= seq &&
        !later.type.startsWith('cache.') &&
        model.planOf(later.type, later.payload).gone?.some((recipe) => recipeText(recipe) === name),
    )
  }

  /** Whether the pipeline has nothing left to do. */
  get isSettled(): boolean {
    const { queues, d1 } = this.#world
    if (queues.some(({ backlog }) => backlog > 0)) return false
    return d1.look('SELECT 1 FROM invalidation_log WHERE processed_at IS NULL LIMIT 1').length === 0
  }

  /** When all has come to rest: every event is in the log and processed, or in the dead letters. */
  end(): void {
    const { d1, model, oracle, verdicts, events } = this.#world
    for (const row of d1.look('SELECT event_id FROM invalidation_log WHERE processed_at IS NULL'))
      this.#violate(`event ${String(row.event_id)} was never processed`)
    for (const row of d1.look('SELECT event_id FROM sim_undelivered'))
      this.#violate(`event ${String(row.event_id)} left the log before it was processed`)
    const letters = d1.look('SELECT queue, body FROM dead_letters')
    const dead = new Set(letters.map(({ body }) => String(body)))
    for (const { queue, body } of letters) {
      verdicts.checked.P4++
      // Those that used up their retries had a reason for each: `Failures` asks for it.
      const id = idOf(String(body))
      // The library's own have no rule to be logged by again, once a restore took their rows.
      if (queue === events.options.name && !this.#poison.has(String(body)) && !this.#taken.has(id ?? ''))
        this.#violate(`the event ${String(body)} is valid, and was quarantined`)
    }
    const deadIds = new Set([...dead].map(idOf))
    for (const [id, { type, payload }] of this.#produced) {
      verdicts.checked.P4++
      const logged = oracle.logged.get(id)
      if (logged === undefined && !deadIds.has(id))
        this.#violate(`the producer's event ${id} is neither in the log nor in the dead letters`)
      if (logged === undefined) continue
      const expected = JSON.stringify(model.patternsOf(type, payload))
      if (JSON.stringify(logged.patterns) !== expected)
        this.#violate(`event ${id} has patterns ${logged.patterns}, not ${expected}`)
    }
    for (const body of this.#poison) {
      verdicts.checked.P4++
      if (!dead.has(body) && !this.#taken.has(body))
        this.#violate(`the unreadable message ${body} is not in the dead letters`)
    }
  }

  /** What a restore can take: events by their ids, dead letters by their bodies. */
  #kept(): string[] {
    const sql = 'SELECT event_id AS name FROM invalidation_log UNION ALL SELECT body FROM dead_letters'
    return this.#world.d1.look(sql).map(({ name }) => String(name))
  }

  #violate(what: string): void {
    this.#world.verdicts.violate('P4', this.#world.loop.now - START, what)
  }
}

function idOf(body: string): string | null {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), EventBody), body)
  return parsed.success ? parsed.output.id : null
}

/** The position in a bookmark. */
export function seqOf(bookmark: string): number {
  return Number(bookmark.slice(bookmark.indexOf('.') + 1))
}
