import { NO_D1_FAULTS } from '../world/d1.ts'
import { NO_KV_FAULTS } from '../world/kv.ts'
import { NO_QUEUE_FAULTS } from '../world/queue.ts'
import type { Trouble } from './scenario.ts'
import type { Stage } from './stage.ts'

/** All that befalls a run until it is let be. */
export class Troubles {
  readonly #stage: Stage

  constructor(stage: Stage) {
    this.#stage = stage
  }

  begin(): void {
    const stage = this.#stage
    const { scenario, world, calmFrom } = stage
    this.#apply(scenario.always)
    world.crashShare = scenario.consumerCrashShare
    world.answerCrashShare = scenario.answerCrashShare
    world.busyShare = scenario.busyShare
    world.busyMs = scenario.busyMs
    stage.repeat(scenario.killEveryMs, calmFrom, () => this.#kill())
    stage.repeat(scenario.freezeEveryMs, calmFrom, () => this.#freeze())
    stage.repeat(scenario.deployEveryMs, calmFrom, () => this.#deploy())
    stage.repeat(scenario.quietEveryMs, calmFrom, () => this.#goQuiet())
    stage.repeat(scenario.poisonEveryMs, calmFrom, () => this.#poison())
    for (const trouble of scenario.troubles)
      stage.repeat(trouble.everyMs, calmFrom, () => this.#trouble(trouble))
  }

  /** Nothing goes wrong from here on. */
  end(): void {
    const { world, scenario } = this.#stage
    world.trace(() => 'all is calm from here on')
    this.#none()
    world.crashShare = 0
    world.answerCrashShare = 0
    world.env = { ...scenario.env }
    // Isolates of experiments go with them.
    if (scenario.deployEveryMs > 0) for (const host of [...world.hosts]) world.kill(host)
    this.#stage.quietUntil = 0
  }

  #kill(): void {
    const { world } = this.#stage
    const all = [...world.hosts, ...world.consumers]
    if (all.length > 0) world.kill(world.random.pick(all))
  }

  #freeze(): void {
    const { world, scenario, calmFrom } = this.#stage
    const { hosts, consumers, random, loop } = world
    const all = random.chance(0.8) ? hosts : consumers
    if (all.length === 0) return
    const host = random.pick(all)
    const [least, most] = scenario.freezeMs
    const ms = Math.round(least + (most - least) * random.next() ** 3)
    host.freeze(Math.min(loop.now + ms, calmFrom))
    world.trace(() => `isolate ${host.id} freezes for ${ms} ms`)
  }

  #goQuiet(): void {
    const stage = this.#stage
    const { random, loop } = stage.world
    const [least, most] = stage.scenario.quietMs
    const ms = Math.round(least + (most - least) * random.next() ** 2)
    stage.quietUntil = Math.min(loop.now + ms, stage.calmFrom)
    stage.world.trace(() => `quiet for ${stage.quietUntil - loop.now} ms`)
  }

  #deploy(): void {
    const { world, scenario } = this.#stage
    const { random, env, hosts } = world
    const version = random.chance(0.4) ? String(random.between(1, 3)) : env.CACHE_VERSION
    world.env = {
      ...scenario.env,
      ...(version !== undefined && { CACHE_VERSION: version }),
      ...(random.chance(0.15) && { CACHE_KV_ENABLED: 'false' }),
      ...(random.chance(0.1) && { CACHE_ENABLED: 'false' }),
      ...(random.chance(0.2) && { CACHE_ROLLOUT_PERCENT: '50' }),
      ...(random.chance(0.3) && { CACHE_MAX_STALENESS_MS: random.pick(['300', '1500']) }),
    }
    world.trace(() => `deploy: ${JSON.stringify(world.env)}`)
    // Old isolates live on beside the new ones for a while.
    for (const host of [...hosts]) if (random.chance(0.8)) world.kill(host)
  }

  #poison(): void {
    const { random, events, warm, dead, audit, value } = this.#stage.world
    const job = (resource: string, params: Record<string, unknown>) => ({
      v: 1,
      recipe: { resource, params },
      priority: 1,
      reason: `poison ${value()}`,
    })
    const bodies: [typeof events, unknown][] = [
      [events, { v: 1, id: `poison-${value()}`, type: 'no.such', payload: {} }],
      [events, { nothing: value() }],
      [warm, job('no such', { n: value() })],
      [warm, job('profile', { id: `a${value()}` })],
      // No poison, but all its retries were used up: it must get into the log all the same.
      [dead, { v: 1, id: `produced-${value()}`, type: 'feed.update', payload: { id: 'f0' } }],
    ]
    const [queue, body] = random.pick(bodies)
    if (queue === dead) audit.deliveries.produced(body)
    else audit.deliveries.poisoned(body)
    queue.accept(body)
  }

  #trouble(trouble: Trouble): void {
    const { world, scenario } = this.#stage
    const [least, most] = trouble.lastsMs
    world.trace(() => `trouble: ${JSON.stringify(trouble)}`)
    this.#apply(trouble)
    world.loop.after(world.random.between(least, most), () => {
      if (this.#stage.isCalm) return
      // Trouble of two kinds may overlap; the end of one ends both, which is trouble enough.
      this.#none()
      this.#apply(scenario.always)
    })
  }

  #apply({ d1, kv, queue }: Omit<Trouble, 'everyMs' | 'lastsMs'>): void {
    const { world } = this.#stage
    Object.assign(world.d1.faults, d1)
    Object.assign(world.kv.faults, kv)
    Object.assign(world.events.faults, queue)
    // What the consumer was promised to have sent must arrive, or nobody could tell whether it was sent.
    for (const { faults } of [world.warm, world.warmLow]) Object.assign(faults, queue, { loseShare: 0 })
  }

  #none(): void {
    const { world } = this.#stage
    Object.assign(world.d1.faults, NO_D1_FAULTS)
    Object.assign(world.kv.faults, NO_KV_FAULTS)
    for (const queue of world.queues) Object.assign(queue.faults, NO_QUEUE_FAULTS)
  }
}
