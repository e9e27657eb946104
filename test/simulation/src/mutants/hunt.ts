import { StuckError, Thread } from '../run/thread.ts'
import type { Mutant } from './mutant.ts'

/** What became of a mutant. */
export interface Hunted {
  name: string
  rule: string
  killed: boolean
  /** The seed that killed it, its scenario, and what it violated. */
  seed: number | null
  scenario: string | null
  property: string | null
}

/**
 * Runs a mutant on seed after seed of its scenarios until one of them shows the fault.
 * @param seeds how many seeds it may live
 */
export async function hunt(mutant: Mutant, seeds: number, firstSeed = 1): Promise<Hunted> {
  const { name, rule } = mutant
  const thread = new Thread(name)
  try {
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      for (const scenario of mutant.scenarios) {
        const property = await thread.run({ seed, scenario, design: null }).then(
          ({ first }) => first?.property ?? null,
          (error: unknown) => {
            // A run without an end is one that never comes to rest: seen as well.
            if (error instanceof StuckError) return 'no end'
            throw error
          },
        )
        if (property !== null) return { name, rule, killed: true, seed, scenario, property }
      }
    }
    return { name, rule, killed: false, seed: null, scenario: null, property: null }
  } finally {
    await thread.end()
  }
}
