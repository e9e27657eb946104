import { availableParallelism } from 'node:os'
import type { PlainVerdicts } from '../check/verdicts.ts'
import { type Job, Thread } from './thread.ts'

/**
 * Does jobs on all cores. What comes back comes in any order; a run itself does not depend on it.
 * @param done called with each job's verdicts
 * @param isOver asked before each job: whether the rest is not worth doing any more
 */
export async function runAll(
  jobs: Iterable<Job>,
  threads: number | null,
  done: (job: Job, verdicts: PlainVerdicts) => void,
  isOver: () => boolean = () => false,
): Promise<void> {
  const queue = jobs[Symbol.iterator]()
  const lane = async () => {
    const thread = new Thread(null)
    try {
      for (let next = queue.next(); !next.done && !isOver(); next = queue.next()) {
        done(next.value, await thread.run(next.value))
      }
    } finally {
      await thread.end()
    }
  }
  await Promise.all(Array.from({ length: threads ?? availableParallelism() }, lane))
}
