import { START } from '../world/event-loop.ts'
import type { Host } from '../world/host.ts'
import type { Stage } from './stage.ts'

/** A restored database is found out within this, where anybody can; the runbook moves its epoch then at the latest. */
const FINDING_MS = 15_000

/** Restores that take only what was written a moment ago, and whose messages are still on their way. */
const CLOSE_SHARE = 0.5
const CLOSE_MS = 200
const LOOK_EVERY_MS = 20

/** Backups, and what comes of bringing one back. */
export class Restores {
  readonly #stage: Stage
  #backup: Uint8Array | null = null

  constructor(stage: Stage) {
    this.#stage = stage
  }

  backUp(): void {
    const { random, d1 } = this.#stage.world
    if (this.#backup === null || random.chance(0.3)) this.#backup = d1.backup()
  }

  /** Sooner or later. */
  restore(): void {
    const { random, d1, oracle } = this.#stage.world
    if (random.chance(CLOSE_SHARE)) {
      this.#backup = d1.backup()
      this.#bringBackAfter(oracle.head)
    } else this.#bringBack()
  }

  /** Waits for the next row of the log. */
  #bringBackAfter(head: number): void {
    const { loop, oracle, random } = this.#stage.world
    if (this.#stage.isCalm) return
    if (oracle.head > head) loop.after(random.below(CLOSE_MS), () => this.#bringBack())
    else loop.after(LOOK_EVERY_MS, () => this.#bringBackAfter(head))
  }

  /** Back to the backup. The runbook moves the epoch with it; whoever forgets that leaves it to the isolates for a while. */
  #bringBack(): void {
    const { world } = this.#stage
    const { d1, oracle, audit, random, hosts, loop } = world
    if (this.#backup === null || oracle.epochMovedAt > loop.now || this.#stage.isCalm) return
    audit.deliveries.beforeRestore()
    d1.restore(this.#backup)
    this.#backup = null
    oracle.restored(d1.txn++)
    audit.deliveries.restored()
    for (const host of hosts) host.ownWrites.clear()
    const isByTheBook = random.chance(0.5)
    world.trace(
      () => `the database is restored, back to ${oracle.head}${isByTheBook ? ', with a new epoch' : ''}`,
    )
    if (isByTheBook) this.#moveEpoch()
    else {
      // Positions of an epoch that ended before say nothing in this one.
      const hasSeenMore = ({ isolate }: Host) =>
        isolate?.fence.epoch === oracle.epoch && isolate.fence.head > oracle.head
      this.#expectFinding(hosts.filter(hasSeenMore))
    }
  }

  #moveEpoch(): void {
    const { d1, oracle, random } = this.#stage.world
    const epoch = random
      .below(2 ** 32)
      .toString(16)
      .padStart(16, '0')
    d1.exec(`UPDATE invalidation_state SET epoch = '${epoch}'`)
    oracle.moved()
  }

  /** An isolate that has seen what the database no longer has finds that out by its next refresh. */
  #expectFinding(finders: Host[]): void {
    const { loop, oracle, verdicts } = this.#stage.world
    const before = finders.map((host) => host.requests)
    const { restores } = oracle
    loop.after(FINDING_MS, () => {
      // Found out, and perhaps restored once more.
      if (oracle.restores !== restores || oracle.epochMovedAt <= loop.now) return
      if (finders.some((host, i) => host.isAlive && host.requests > (before[i] ?? 0) + 1)) {
        const what = `a restored database was not found out within ${FINDING_MS} ms`
        verdicts.violate('P1', loop.now - START, what)
      }
      this.#moveEpoch()
    })
  }
}
