import type { ReadOptions } from '@freshet/cache-core'
import type { Client } from '../check/read-checker.ts'
import type { Front, TrackedKey } from '../model/model.ts'
import type { Host } from '../world/host.ts'
import type { Invocation } from '../world/invocation.ts'
import type { Stage } from './stage.ts'

/** Popularity of keys: the first ones are read most. */
const SKEW = 1.6
/** Requests that ask for all of their keys in one call. */
const BULK_SHARE = 0.1
/** Keys that one request asks for at the same time. */
const MOST_AT_ONCE = 16
/** Keys that an editor looks at beside their own. */
const OTHERS = 2

/** Those who read: visitors, and editors who look at what they wrote. */
export class Readers {
  readonly #stage: Stage

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** One request of some client. */
  request(): void {
    const stage = this.#stage
    const { world, scenario } = stage
    const { random } = world
    if (stage.isQuiet) return
    const client = random.pick(stage.clients)
    if (client.isBusy) return
    const turn = client.carries ? ++client.turn : client.turn
    client.isBusy = client.carries
    const roll = random.next()
    const { strongShare, shortShare, readsPerRequest } = scenario
    const maxStalenessMs =
      roll < strongShare ? 0 : roll < strongShare + shortShare ? random.between(1, 4_000) : null
    const inTurn = client.carries || random.chance(0.5)
    // Six connections are all that a request has: what it reads at once, it reads in small numbers.
    const most = inTurn ? readsPerRequest : Math.min(MOST_AT_ONCE, readsPerRequest)
    const keys = this.#pick(random.between(1, most))
    // The request before this one may outlive its answer: its end must not be taken for that of this one.
    const done = () => {
      if (client.turn === turn) client.isBusy = false
    }
    const inBulk = !client.carries && random.chance(BULK_SHARE)
    const options = maxStalenessMs === null ? {} : { maxStalenessMs }
    const invocation = world.request(stage.hostFor(client), 'request', async (front, _io, own) => {
      if (inBulk) return this.#readMany(front, own, client, keys, options)
      const reads: Promise<void>[] = []
      for (const key of keys) {
        const bookmark = client.carries && client.bookmark !== null ? { bookmark: client.bookmark } : {}
        const read = this.#read(front, own, client, key, { ...options, ...bookmark })
        if (inTurn) await read
        else reads.push(read)
      }
      await Promise.all(reads)
      done()
    })
    invocation.onEnd = done
    stage.mayCancel(invocation)
  }

  /** What was just written, and something else, through any isolate, with the write's bookmark. */
  readBack(client: Client, bookmark: string, own: readonly TrackedKey[]): void {
    const { random, loop } = this.#stage.world
    loop.after(random.below(50), () => {
      const { hosts } = this.#stage.world
      if (hosts.length === 0) return
      const keys = [...own.slice(0, MOST_AT_ONCE - OTHERS), ...this.#pick(OTHERS)]
      const inBulk = random.chance(0.3)
      const someone = { ...client, carries: false }
      this.#stage.world.request(random.pick(hosts), 'read back', async (front, _io, own) => {
        if (inBulk) return this.#readMany(front, own, someone, keys, { bookmark })
        for (const key of keys) await this.#read(front, own, someone, key, { bookmark })
      })
    })
  }

  /** What was just written, through the isolate that wrote it, with no bookmark at all. */
  readOwn(client: Client, host: Host, written: readonly TrackedKey[]): void {
    const { world } = this.#stage
    world.loop.after(1, () => {
      if (!host.isAlive) return
      const someone = { ...client, carries: false }
      world.request(host, 'read own', async (front, _io, own) => {
        await Promise.all(
          written.slice(0, MOST_AT_ONCE).map((key) => this.#read(front, own, someone, key, {})),
        )
      })
    })
  }

  #pick(count: number): TrackedKey[] {
    const { random, oracle } = this.#stage.world
    return Array.from({ length: count }, () => random.pick(oracle.keys, SKEW))
  }

  /** The keys that the tiers can prove, in one call. */
  async #readMany(
    front: Front,
    invocation: Invocation,
    client: Client,
    keys: readonly TrackedKey[],
    options: ReadOptions,
  ): Promise<void> {
    const { reads, failures } = this.#stage.world
    if (front.cache === null) return
    const begun = new Map(keys.map((key) => [key.path, reads.begin(key, invocation, client, options)]))
    try {
      const found = await front.cache.getMany([...begun.keys()], options)
      for (const [path, value] of found) {
        const one = begun.get(path)
        const text = JSON.stringify(value)
        // It does not say from where, nor at what position.
        if (one !== undefined) reads.end(one, { outcome: 'HIT', source: 'memory', text, bookmark: undefined })
      }
    } catch (error) {
      failures.failed('getMany', error, false, invocation)
    }
    for (const one of begun.values()) failures.settled(one)
  }

  async #read(
    front: Front,
    invocation: Invocation,
    client: Client,
    key: TrackedKey,
    options: ReadOptions,
  ): Promise<void> {
    const { world } = this.#stage
    const { reads, verdicts, failures } = world
    const begun = reads.begin(key, invocation, client, options)
    try {
      const answer = await front.read(key, options)
      failures.settled(begun)
      // What goes on after its request's end, on somebody else's promise, has nobody left to hear it.
      if (answer === null || !invocation.isAlive) return
      world.trace(
        () =>
          `isolate ${begun.host.id} answers client ${client.id} ${key.path}: ${answer.outcome} from ${answer.source}, ${answer.text.slice(0, 200)}`,
      )
      reads.end(begun, answer)
    } catch (error) {
      failures.settled(begun)
      verdicts.failed++
      failures.failed(`a read of ${key.path} in isolate ${begun.host.id}`, error, false, invocation)
    }
  }
}
