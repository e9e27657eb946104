import type { LocationCache } from '@freshet/cache-core'
import { Network } from './network.ts'
import { type OperationFaults, type OperationWorld, operate } from './operation.ts'

/** Copies that are dropped before their time, at a look. */
const EVICTED_SHARE = 0.02

/** The Cache API: what isolates of a location share, each location by itself. It may drop anything at any time. */
export class SimLocations implements LocationCache {
  readonly #faults: OperationFaults
  readonly #world: OperationWorld
  readonly #copies = Array.from(
    { length: Network.locations },
    () => new Map<string, { text: string; until: number }>(),
  )

  /** @param faults KV's: what goes wrong there, goes wrong here at the same time */
  constructor(world: OperationWorld, faults: OperationFaults) {
    this.#world = world
    this.#faults = faults
  }

  match(name: string): Promise<string | null> {
    const { loop, random } = this.#world
    return operate(this.#world, this.#faults, (location) => {
      const copies = this.#copies[location]
      if (random.chance(EVICTED_SHARE)) copies?.delete(name)
      const copy = copies?.get(name)
      return copy === undefined || copy.until <= loop.now ? null : copy.text
    })
  }

  put(name: string, text: string, seconds: number): Promise<void> {
    return operate(this.#world, this.#faults, (location) => {
      this.#copies[location]?.set(name, { text, until: this.#world.loop.now + seconds * 1000 })
    })
  }
}
