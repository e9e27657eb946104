import type { Bench } from '../bench.ts'
import { startColdStack } from '../http/cold-stack.ts'
import type { Rounds } from '../rounds.ts'
import { CALLERS, measureColdInProcess } from './cold-in-process.ts'
import { D1_MS, measureColdInWorkerd } from './cold-in-workerd.ts'
import { LOAD_MS, TIER_MS } from './cold-systems.ts'

const IN_PROCESS: Rounds = { rounds: 21, warmUp: 3 }
const IN_WORKERD: Rounds = { rounds: 7, warmUp: 1 }

/** Many callers at once for what no tier has: how often it is loaded, and who gets what. */
export const cold: Bench = {
  name: 'cold',
  about: `${CALLERS} callers at once on a key that no tier has: in this process, where a load takes ${LOAD_MS} ms and a look into the second tier ${TIER_MS} ms, and as requests in workerd, where a call of D1 takes ${D1_MS} ms; also when the load throws, and when the request that leads it is cancelled; ratio: of the time, to one load alone`,
  async run(write) {
    write(
      `  times: medians of ${IN_PROCESS.rounds} rounds that take turns, in workerd of ${IN_WORKERD.rounds}; where something goes wrong, and in workerd, counts are the worst of all rounds`,
    )
    const inProcess = await measureColdInProcess(IN_PROCESS)
    const stack = await startColdStack()
    try {
      return [...inProcess, ...(await measureColdInWorkerd(stack, IN_WORKERD))]
    } finally {
      await stack.stack.stop()
    }
  },
}
