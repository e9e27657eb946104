import type { Bench } from '../bench.ts'
import type { Rounds } from '../rounds.ts'
import { CALLERS, measureColdInProcess } from './cold-in-process.ts'
import { LOAD_MS, TIER_MS } from './cold-systems.ts'

const IN_PROCESS: Rounds = { rounds: 21, warmUp: 3 }

/** Many callers at once for what no tier has: how often it is loaded, and who gets what. */
export const cold: Bench = {
  name: 'cold',
  about: `${CALLERS} callers at once on a key that no tier has; a load takes ${LOAD_MS} ms, a look into the second tier ${TIER_MS} ms; ratio: of the time, to one load alone`,
  run(write) {
    write(`  medians of ${IN_PROCESS.rounds} rounds that take turns; where a load throws, the worst of them`)
    return measureColdInProcess(IN_PROCESS)
  },
}
