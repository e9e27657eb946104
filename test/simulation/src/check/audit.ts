import * as v from 'valibot'
import { START } from '../world/event-loop.ts'
import type { Host } from '../world/host.ts'
import type { World } from '../world/world.ts'
import { Deliveries } from './deliveries.ts'
import { checkRedelivery } from './redelivery.ts'

/** Epochs that a fence remembers the end of: one a restore. */
const MOST_EPOCHS = 100

const StoredHeader = v.pipe(v.string(), v.parseJson(), v.object({ path: v.string() }))

/** Looks inside, where answers show nothing: P4, P5, P7, and of P8 what is kept where it must not be. */
export class Audit {
  readonly deliveries: Deliveries
  readonly #world: World

  constructor(world: World) {
    this.#world = world
    this.deliveries = new Deliveries(world)
  }

  /** Starts to watch what goes through KV and queues. */
  watch(): void {
    const { kv, warm, warmLow } = this.#world
    kv.onPut = (_name, value) => this.#put(value)
    for (const queue of [warm, warmLow]) queue.onAccepted = (body) => this.deliveries.warmed(body)
  }

  readonly warmReport = (record: { step: string } & Record<string, unknown>): void => {
    if (record.step !== 'warm job' || record.outcome !== 'loaded') return
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
    const { oracle, verdicts, options, loop } = this.#world
    if (isolate === null || !host.isAlive) return
    const { fence, memory, settings } = isolate
    verdicts.checked.P7++
    const bound = (what: string, is: number, most: number) => {
      if (is > most) this.#violate('P7', `${is} ${what} in isolate ${host.id}, over ${most}`)
    }
    bound('patterns in the fence', fence.size, options.fence.maxPatterns)
    bound('marks in the fence', fence.marks, options.fence.maxPatterns)
    bound('ended epochs in the fence', fence.endedEpochs, MOST_EPOCHS)
    bound('entries in memory', memory.entries, settings.maxEntries)
    bound('bytes in memory', memory.bytes, settings.maxMemoryBytes)
    bound('flights', isolate.flights.size, oracle.keys.length)
    if (fence.epoch !== oracle.epoch || oracle.epochMovedAt > loop.now) return
    const headTxn = oracle.txnOf(fence.head)
    for (const [, entry] of memory.list()) {
      const key = oracle.byPath.get(entry.path)
      if (key === undefined || key.bound === 'lifetime' || entry.expiresAt <= loop.now) continue
      if (!fence.isValid(entry)) continue
      verdicts.checked.P5++
      const version = key.history.lastOf(entry.text)
      if (version === undefined || version.untilTxn <= headTxn) {
        this.#violate(
          'P5',
          `isolate ${host.id} holds ${entry.path} = ${entry.text.slice(0, 500)}, stamp ${entry.stamp}, valid by its fence at ${fence.head}, floor ${fence.floor}; replaced by transaction ${version?.untilTxn}, and the head is that of ${headTxn}`,
        )
      }
    }
  }

  /** Has each isolate load once more, which clears away what died: at rest, nothing may be left under way. */
  probe(): void {
    const { world } = { world: this.#world }
    for (const host of world.hosts) {
      if (host.isolate === null) continue
      world.request(host, 'probe', async ({ cache }) => {
        await cache?.getOrSet('content:probe:none', async () => null)
      })
    }
  }

  /** When all has come to rest. */
  end(): void {
    const { hosts, verdicts } = this.#world
    this.deliveries.end()
    checkRedelivery(this.#world)
    for (const { id, isolate } of hosts) {
      if (isolate === null) continue
      verdicts.checked.P7++
      if (isolate.flights.size > 0)
        this.#violate('P7', `${isolate.flights.size} flights are left in isolate ${id} when nobody waits`)
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

  #violate(property: 'P5' | 'P7' | 'P8', what: string): void {
    this.#world.verdicts.violate(property, this.#world.loop.now - START, what)
  }
}
