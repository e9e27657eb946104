import * as v from 'valibot'
import { type Check, oneCheck } from './tally.ts'
import { countTests } from './test-report.ts'

/** A task that turbo ran, or took from its cache. */
export interface TurboTask {
  /** `package#task`; the root's package is `//`. */
  taskId: string
  task: string
  /** Relative to the root. */
  directory: string
  succeeded: boolean
}

const SummarySchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    tasks: v.array(
      v.object({
        taskId: v.string(),
        task: v.string(),
        directory: v.string(),
        command: v.string(),
        execution: v.nullish(v.object({ exitCode: v.nullish(v.number()) })),
      }),
    ),
  }),
)

/** Packages without a script of the task's name are part of turbo's graph all the same. */
const NO_SCRIPT = '<NONEXISTENT>'

/** The tasks of a run summary (`turbo run --summarize`); throws when it isn't one. */
export function parseSummary(summary: string): TurboTask[] {
  return v
    .parse(SummarySchema, summary)
    .tasks.filter(({ command }) => command !== NO_SCRIPT)
    .map(({ taskId, task, directory, execution }) => ({
      taskId,
      task,
      directory,
      succeeded: execution?.exitCode === 0,
    }))
}

/** What a task came to; `report` is what vitest left if it was one of tests, null without. */
export function checkOf({ taskId, task, succeeded }: TurboTask, report: string | null): Check {
  const tests = task === 'test' && report !== null ? countTests(report) : null
  if (tests === null) return oneCheck(taskId, succeeded)
  // All tests passed and the task failed: coverage below its floor, an error outside of any test.
  const beyondTests = !succeeded && tests.failed === 0 ? 1 : 0
  return { name: taskId, passed: tests.passed, failed: tests.failed + beyondTests }
}
