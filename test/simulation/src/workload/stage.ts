import type { Client } from '../check/read-checker.ts'
import { START } from '../world/event-loop.ts'
import type { Host } from '../world/host.ts'
import type { Invocation } from '../world/invocation.ts'
import type { World } from '../world/world.ts'
import type { Scenario } from './scenario.ts'

/** What readers, writers and trouble share: the world, the plan of the run, its clients. */
export class Stage {
  readonly world: World
  readonly scenario: Scenario
  readonly clients: Client[]
  /** True times: the last request, and the last trouble. */
  readonly end: number
  readonly calmFrom: number
  /** Nobody asks for anything before that. */
  quietUntil = 0

  constructor(world: World, scenario: Scenario) {
    this.world = world
    this.scenario = scenario
    this.end = START + scenario.durationMs
    this.calmFrom = START + scenario.durationMs * scenario.troubleShare
    this.clients = Array.from({ length: scenario.clients }, (_, id) => ({
      id,
      location: id % scenario.locations,
      carries: id % 3 === 0,
      bookmark: null,
      isBusy: false,
      turn: 0,
      seenTxn: -1,
      epoch: world.oracle.epoch,
    }))
  }

  get isCalm(): boolean {
    return this.world.loop.now >= this.calmFrom
  }

  get isQuiet(): boolean {
    return this.world.loop.now < this.quietUntil
  }

  /** Does something at random times, so far apart in the mean; never for 0. */
  repeat(everyMs: number, until: number, act: () => void): void {
    if (everyMs <= 0) return
    const { loop, random } = this.world
    const next = () => {
      const at = loop.now + Math.max(1, random.gap(everyMs))
      if (at >= until) return
      loop.at(at, () => {
        act()
        next()
      })
    }
    next()
  }

  /** An isolate near the client, mostly; a new one while its location has too few. */
  hostFor(client: Client): Host {
    const { random, hosts } = this.world
    const { locations, isolatesPerLocation } = this.scenario
    const location = random.chance(0.15) ? random.below(locations) : client.location
    const here = hosts.filter((host) => host.location === location)
    if (here.length < isolatesPerLocation) return this.world.startHost(location)
    return random.pick(here)
  }

  /** Some clients hang up before they are answered. */
  mayCancel(invocation: Invocation): void {
    const { random, loop } = this.world
    if (!random.chance(this.scenario.cancelShare)) return
    loop.after(random.between(0, 200), () => {
      if (!this.isCalm) invocation.end()
    })
  }
}
