import type { Violation } from '../check/verdicts.ts'
import { runOne } from '../run/run-one.ts'
import type { Scenario } from '../workload/scenario.ts'
import { type Overrides, withOverrides } from './options.ts'

/** Simpler worlds, boldest first. */
const SIMPLER: readonly Overrides[] = [
  { troubles: [] },
  { always: {} },
  { clients: 1 },
  { clients: 3 },
  { locations: 1, isolatesPerLocation: 1 },
  { locations: 1, isolatesPerLocation: 2 },
  { locations: 2, isolatesPerLocation: 1 },
  { readsPerRequest: 1 },
  { readsPerRequest: 4 },
  { killEveryMs: 0 },
  { freezeEveryMs: 0 },
  { cancelShare: 0 },
  { consumerCrashShare: 0 },
  { quietEveryMs: 0 },
  { deployEveryMs: 0 },
  { poisonEveryMs: 0 },
  { strongShare: 0 },
  { shortShare: 0 },
]
/** Another world takes other turns: so many seeds may show the fault there. */
const SEEDS = 6

/** A smaller case of the same fault. */
export interface Shrunk {
  seed: number
  overrides: Overrides
}

/** Makes a failing run smaller: a simpler world, and a shorter one, in which the same property is violated in the same words. */
export async function shrink(
  seed: number,
  scenario: Scenario,
  fault: Pick<Violation, 'property' | 'what'>,
): Promise<Shrunk> {
  let best: Shrunk = { seed, overrides: {} }
  const attempt = async (change: Overrides): Promise<boolean> => {
    const overrides = { ...best.overrides, ...change }
    for (let next = best.seed; next < best.seed + SEEDS; next++) {
      const { first } = await runOne(next, withOverrides(scenario, overrides))
      if (first?.property === fault.property && wordsOf(first.what) === wordsOf(fault.what)) {
        best = { seed: next, overrides }
        return true
      }
    }
    return false
  }
  for (const change of SIMPLER) await attempt(change)
  for (let durationMs = scenario.durationMs / 2; durationMs > 2_000; durationMs /= 2) {
    if (!(await attempt({ durationMs: Math.round(durationMs) }))) break
  }
  return best
}

/** What a violation says without its names and numbers: a shorter run may violate the same property for another reason. */
function wordsOf(what: string): string {
  return what.replace(/\S*[\d:"{]\S*/g, '').slice(0, 60)
}
