// `npm test`: every check there is. The last line of its output says how it went: "N passed, N failed".
import { join } from 'node:path'
import { runChecks } from '../packages/dev/src/check/run-checks.ts'
import { allPassed, summaryOf } from '../packages/dev/src/check/tally.ts'
import { runProgram } from '../packages/dev/src/program.ts'

await runProgram(async ({ signal, write }) => {
  const checks = await runChecks({ root: join(import.meta.dirname, '..'), signal })
  write(summaryOf(checks))
  return allPassed(checks) ? 0 : 1
})
