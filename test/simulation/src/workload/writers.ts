import type { RequestIo } from '@freshet/cache-core'
import type { Client } from '../check/read-checker.ts'
import type { Front, Operation, TrackedKey, WriteContext } from '../model/model.ts'
import type { Host } from '../world/host.ts'
import type { Invocation } from '../world/invocation.ts'
import type { Readers } from './readers.ts'
import type { Stage } from './stage.ts'

/** Those who write, each operation of the model as often as it weighs. */
export class Writers {
  readonly #stage: Stage
  readonly #readers: Readers
  readonly #operations: { operation: Operation; upTo: number }[] = []
  #weights = 0

  constructor(stage: Stage, readers: Readers) {
    this.#stage = stage
    this.#readers = readers
    const { world, scenario } = stage
    for (const operation of world.model.operations) {
      const weight = scenario.weights[operation.name] ?? operation.weight
      if (weight === 0 || (world.options.isDesign && operation.needsFreshet)) continue
      this.#weights += weight
      this.#operations.push({ operation, upTo: this.#weights })
    }
  }

  /** An editor writes, and then at once reads what they wrote. */
  write(): void {
    const { world, clients, isQuiet } = this.#stage
    const { random } = world
    if (isQuiet && random.chance(0.5)) return
    const client = random.pick(clients)
    const roll = random.next() * this.#weights
    const operation = this.#operations.find(({ upTo }) => roll < upTo)?.operation
    if (operation === undefined) return
    for (let i = 1; i < (operation.burst ?? 1); i++) this.#run(operation, random.pick(clients))
    this.#run(operation, client)
  }

  #run(operation: Operation, client: Client): void {
    const stage = this.#stage
    const { world } = stage
    const host = stage.hostFor(client)
    world.trace(() => `${operation.name} by client ${client.id} in isolate ${host.id}`)
    const invocation = world.request(host, operation.name, async (front, io, own) => {
      const epoch = world.oracle.epoch
      try {
        const bookmark = await operation.run(this.#context(front, host, io, own))
        if (epoch === world.oracle.epoch) this.#readAfter(client, host, bookmark, own)
      } catch (error) {
        world.failures.failed(`"${operation.name}" in isolate ${host.id}`, error, true, own)
      }
    })
    stage.mayCancel(invocation)
  }

  #readAfter(client: Client, host: Host, bookmark: string | null, { setting }: Invocation): void {
    const { oracle, loop, random } = this.#stage.world
    if (oracle.epochMovedAt > loop.now) return
    const txn =
      bookmark === null ? (setting?.txn ?? null) : oracle.txnOf(oracle.bookmarkOf(bookmark)?.seq ?? -1)
    if (txn === null || txn < 0) return
    const changed = oracle.keys.filter(({ history }) => history.changedAt(txn))
    for (const { path } of changed) host.ownWrites.set(path, Math.max(host.ownWrites.get(path) ?? -1, txn))
    if (bookmark !== null && random.chance(0.5))
      this.#readers.readBack(client, bookmark, shuffled(changed, random))
    else this.#readers.readOwn(client, host, changed)
  }

  #context(front: Front, host: Host, io: RequestIo, invocation: Invocation): WriteContext {
    const { random, value, events, audit, oracle } = this.#stage.world
    return {
      front,
      db: io.db,
      runtime: host.runtime,
      random,
      value,
      setting: (path, text) => {
        invocation.setting = { path, text, txn: null }
      },
      track: (spec) => {
        oracle.track(spec)
      },
      produce: async ({ type, payload }) => {
        const body = { v: 1, id: `produced-${value()}`, type, payload }
        audit.deliveries.produced(body)
        events.accept(body)
      },
    }
  }
}

/** A renamed author changes hundreds of keys, and only some are read back: not always the first ones. */
function shuffled(keys: readonly TrackedKey[], random: WriteContext['random']): TrackedKey[] {
  const from = random.below(Math.max(1, keys.length))
  return [...keys.slice(from), ...keys.slice(0, from)]
}
