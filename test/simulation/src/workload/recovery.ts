import { START } from '../world/event-loop.ts'
import type { Stage } from './stage.ts'

/** Reads before a hit rate says something: fewer, and nothing was shown. */
const ENOUGH_READS = 100

/** P9: when all has been well for a while, nearly every read is served from a tier again. */
export class Recovery {
  readonly #stage: Stage
  readonly #hits: number
  readonly #reads: number

  /** Counts from now on. */
  constructor(stage: Stage) {
    this.#stage = stage
    const { hits, reads } = counts(stage)
    this.#hits = hits
    this.#reads = reads
  }

  check(): void {
    const { world, scenario } = this.#stage
    const { verdicts, loop, oracle } = world
    const now = counts(this.#stage)
    const reads = now.reads - this.#reads
    const violate = (what: string) => verdicts.violate('P9', loop.now - START, what)
    verdicts.checked.P9++
    const rate = (now.hits - this.#hits) / Math.max(1, reads)
    if (reads < ENOUGH_READS) violate(`${reads} reads at the end: too few to tell anything`)
    else if (rate < scenario.recoversTo)
      violate(`a hit rate of ${rate.toFixed(3)} at the end, below ${scenario.recoversTo}`)
    if (oracle.needlessMoves > 0)
      violate(`${oracle.needlessMoves} epochs ended though nothing had been restored`)
  }
}

function counts({ world }: Stage): { hits: number; reads: number } {
  const { hits, misses, stale, failed } = world.verdicts
  return { hits, reads: hits + misses + stale + failed }
}
