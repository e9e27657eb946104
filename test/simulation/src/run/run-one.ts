import type { Verdicts } from '../check/verdicts.ts'
import { Driver } from '../workload/driver.ts'
import type { Scenario } from '../workload/scenario.ts'
import { freshetFront, World } from '../world/world.ts'

/** What a run may differ in from its scenario's own. */
export interface RunOptions {
  trace?: (line: string) => void
}

/** One run: a pure function of the seed and the scenario. */
export function runOne(seed: number, scenario: Scenario, options: RunOptions = {}): Promise<Verdicts> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        const world = new World({
          seed: `${scenario.name} ${seed}`,
          model: scenario.model(),
          maxPatterns: scenario.maxPatterns,
          maxEntries: scenario.maxEntries,
          env: scenario.env,
          makeFront: freshetFront,
          trace: options.trace,
        })
        new Driver(world, scenario).run()
        world.d1.close()
        resolve(world.verdicts)
      } catch (error) {
        reject(error)
      }
    })
  })
}
