import type { Verdicts } from '../check/verdicts.ts'
import { designFront } from '../designs/design.ts'
import { designs } from '../designs/table.ts'
import { drive } from '../workload/driver.ts'
import type { Scenario } from '../workload/scenario.ts'
import { freshetFront, World } from '../world/world.ts'

/** What a run may differ in from its scenario's own. */
export interface RunOptions {
  trace?: (line: string) => void
  /** Name of a known design in Freshet's place. */
  design?: string | null
  /** Whether the code is meant to be faulty: what it leaves unhandled is then no finding of its own. */
  isFaulty?: boolean
}

/** One run: a pure function of the seed and the scenario. */
export function runOne(seed: number, scenario: Scenario, options: RunOptions = {}): Promise<Verdicts> {
  const design = designs.find(({ name }) => name === options.design)
  return new Promise((resolve, reject) => {
    // A macrotask of its own: inside of a promise's continuation no other one could run.
    setImmediate(() => {
      try {
        const world = new World({
          seed: `${scenario.name} ${seed}`,
          model: scenario.model(),
          fence: scenario.fence,
          maxEntries: scenario.maxEntries,
          env: scenario.env,
          pruneTtl: scenario.pruneTtl,
          isDesign: design !== undefined,
          makeFront: design === undefined ? freshetFront : designFront(design),
          trace: options.trace,
        })
        const unhandled = (reason: unknown) => world.failures.unhandled(reason)
        const isWatched = design === undefined && !options.isFaulty
        if (isWatched) process.on('unhandledRejection', unhandled)
        try {
          drive(world, scenario)
        } finally {
          process.off('unhandledRejection', unhandled)
        }
        world.d1.close()
        resolve(world.verdicts)
      } catch (error) {
        reject(error)
      }
    })
  })
}
