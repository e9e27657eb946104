import { availableParallelism } from 'node:os'
import type { PlainVerdicts } from '../check/verdicts.ts'
import { type Job, Thread } from './thread.ts'

/**
 * Does jobs on all cores. What comes back comes in any order; a run itself does not depend on it.
 * @param done called with each job's verdicts
 * @param broke called for a job that came to none
 * @param isOver asked before each job: whether the rest is not worth doing any more
 */
export async function runAll(
  jobs: Iterable<Job>,
  threads: number | null,
  done: (job: Job, verdicts: PlainVerdicts) => void,
  broke: (job: Job, error: unknown) => void,
  isOver: () => boolean = () => false,
): Promise<void> {
  const queue = jobs[Symbol.iterator]()
  const lane = async () => {
    let thread = new Thread(null)
    try {
      for (let next = queue.next(); !next.done && !isOver(); next = queue.next()) {
        try {
          done(next.value, await thread.run(next.value))
        } catch (error) {
          // Stuck, out of memory, or a fault of the simulator's own: what is left runs in another thread.
          broke(next.value, error)
          await thread.end()
          thread = new Thread(null)
        }
      }
    } finally {
      await thread.end()
    }
  }
  await Promise.all(Array.from({ length: threads ?? availableParallelism() }, lane))
}
