import * as v from 'valibot'
import { START } from '../world/event-loop.ts'
import type { Host } from '../world/host.ts'
import type { World } from '../world/world.ts'

/** An isolate's memory may be over its caps by as much as one insert brings. */
const BYTES_CAP = 50_000_000

const EventBody = v.object({ id: v.string(), type: v.string(), payload: v.unknown() })
const WarmBody = v.object({
  recipe: v.object({ resource: v.string(), params: v.unknown() }),
  bookmark: v.optional(v.string()),
})
const StoredHeader = v.pipe(v.string(), v.parseJson(), v.object({ path: v.string() }))

/** Looks inside, where answers show nothing: P4, P5, P7, and of P8 what is kept where it must not be. */
export class Audit {
  readonly #world: World
  /** Events that queues took from outside producers, by id. */
  readonly #produced = new Map<string, { type: string; payload: unknown }>()
  /** Bodies that no consumer can read: each must end in the dead letters. */
  readonly #poison = new Set<string>()
  /** Highest position that a warm job was accepted with, by its recipe. */
  readonly #warmed = new Map<string, number>()
  #wasRestored = false

  constructor(world: World) {
    this.#world = world
  }

  /** Starts to watch what goes through KV and queues. */
  watch(): void {
    const { kv, warm } = this.#world
    kv.onPut = (_name, value) => this.#put(value)
    warm.onAccepted = (body) => {
      const parsed = v.safeParse(WarmBody, body)
      if (!parsed.success) return
      const { recipe, bookmark = '.0' } = parsed.output
      const name = JSON.stringify(recipe)
      this.#warmed.set(
        name,
        Math.max(this.#warmed.get(name) ?? 0, Number(bookmark.slice(bookmark.indexOf('.') + 1))),
      )
    }
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

  restored(): void {
    this.#wasRestored = true
  }

  /** The log has new rows. */
  logged(): void {
    this.#world.verdicts.checked.P4++
  }

  readonly warmReport = (record: { step: string } & Record<string, unknown>): void => {
    if (record.step !== 'warmed') return
    const parsed = v.safeParse(v.object({ resource: v.string() }), record.recipe)
    if (!parsed.success) return
    const namespace = this.#world.model.resources[parsed.output.resource]?.namespace ?? ''
    this.#world.verdicts.checked.P8++
    if (this.#world.model.configs[namespace]?.visibility === 'private')
      this.#violate('P8', `a private ${parsed.output.resource} was warmed`)
  }

  /** P5 and P7: an entry that the fence calls valid was not replaced up to the fence's head; all within bounds. */
  host(host: Host): void {
    const { isolate } = host
    const { oracle, verdicts, options } = this.#world
    if (isolate === null || !host.isAlive) return
    const { fence, memory } = isolate
    verdicts.checked.P7++
    if (fence.size > options.maxPatterns)
      this.#violate('P7', `a fence of ${fence.size} patterns, over ${options.maxPatterns}`)
    if (memory.entries > options.maxEntries)
      this.#violate('P7', `${memory.entries} entries in memory, over ${options.maxEntries}`)
    if (memory.bytes > BYTES_CAP) this.#violate('P7', `${memory.bytes} bytes in memory`)
    if (isolate.flights.size > oracle.keys.length) this.#violate('P7', `${isolate.flights.size} flights`)
    if (fence.epoch !== oracle.epoch || oracle.epochMovedAt > this.#world.loop.now) return
    const headTxn = oracle.txnOf(fence.head)
    const now = host.runtime.now()
    for (const [, entry] of memory.list()) {
      const key = oracle.byPath.get(entry.path)
      if (key === undefined || key.bound === 'lifetime' || entry.expiresAt <= now || !fence.isValid(entry))
        continue
      verdicts.checked.P5++
      const version = key.history.lastOf(entry.text)
      if (version === undefined || version.untilTxn <= headTxn) {
        this.#violate(
          'P5',
          `isolate ${host.id} holds ${entry.path} = ${entry.text}, stamp ${entry.stamp}, valid by its fence at ${fence.head}, floor ${fence.floor}; replaced by transaction ${version?.untilTxn}, and the head is that of ${headTxn}`,
        )
      }
    }
  }

  /** Whether the pipeline has nothing left to do. */
  get isSettled(): boolean {
    const { events, warm, dead, d1 } = this.#world
    if (events.backlog + warm.backlog + dead.backlog > 0) return false
    return d1.look('SELECT 1 FROM invalidation_log WHERE processed_at IS NULL LIMIT 1').length === 0
  }

  /** P4, when all has come to rest: every event is in the log and processed, or in the dead letters, and has had its effect. */
  end(): void {
    const { d1, model, oracle, verdicts } = this.#world
    const open = d1.look('SELECT event_id FROM invalidation_log WHERE processed_at IS NULL')
    for (const row of open) this.#violate('P4', `event ${String(row.event_id)} was never processed`)
    const lost = d1.look('SELECT event_id FROM sim_undelivered')
    for (const row of lost)
      this.#violate('P4', `event ${String(row.event_id)} left the log before it was processed`)
    const dead = new Map<string, string>()
    for (const row of d1.look('SELECT body FROM dead_letters')) dead.set(String(row.body), '')
    const isDead = (id: string) => [...dead.keys()].some((body) => body.includes(`"${id}"`))
    // A restored database has lost what came after its backup, and nobody promised more.
    if (this.#wasRestored) return
    for (const [id, { type, payload }] of this.#produced) {
      verdicts.checked.P4++
      const logged = oracle.logged.get(id)
      if (logged === undefined && !isDead(id))
        this.#violate('P4', `the producer's event ${id} is neither in the log nor in the dead letters`)
      if (logged === undefined) continue
      const expected = JSON.stringify(model.patternsOf(type, payload))
      if (JSON.stringify(logged.patterns) !== expected)
        this.#violate('P4', `event ${id} has patterns ${logged.patterns}, not ${expected}`)
    }
    for (const body of this.#poison) {
      verdicts.checked.P4++
      if (!dead.has(body)) this.#violate('P4', `the unreadable message ${body} is not in the dead letters`)
    }
    for (const [id, { seq, type, payload }] of oracle.logged) {
      for (const { recipe } of type.startsWith('cache.') ? [] : model.jobsFor(type, payload)) {
        verdicts.checked.P4++
        if ((this.#warmed.get(JSON.stringify(recipe)) ?? 0) < seq) {
          this.#violate(
            'P4',
            `event ${id} at ${seq} is processed, but no job ${JSON.stringify(recipe)} was ever sent for it`,
          )
        }
      }
    }
  }

  #put(value: string): void {
    const end = value.indexOf('\n')
    const header = v.safeParse(StoredHeader, end < 0 ? value : value.slice(0, end))
    if (!header.success) return
    const namespace = header.output.path.slice(0, header.output.path.indexOf(':'))
    this.#world.verdicts.checked.P8++
    if (this.#world.model.configs[namespace]?.kvEnabled === false)
      this.#violate('P8', `${header.output.path} was put into KV`)
  }

  #violate(property: 'P4' | 'P5' | 'P7' | 'P8', what: string): void {
    this.#world.verdicts.violate(property, this.#world.loop.now - START, what)
  }
}
