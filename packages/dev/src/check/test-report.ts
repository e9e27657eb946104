import * as v from 'valibot'

const count = v.pipe(v.number(), v.integer(), v.minValue(0))

/** As much of vitest's JSON report as is added up. */
const ReportSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    numPassedTests: count,
    numFailedTests: count,
    testResults: v.array(v.object({ status: v.string(), assertionResults: v.array(v.unknown()) })),
  }),
)

/** How many tests a report has that passed and failed; null when it isn't one. */
export function countTests(report: string): { passed: number; failed: number } | null {
  const parsed = v.safeParse(ReportSchema, report)
  if (!parsed.success) return null
  const { numPassedTests, numFailedTests, testResults } = parsed.output
  // A file that could not even be loaded has no tests to count, yet all of them are missing.
  const unloadable = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  )
  return { passed: numPassedTests, failed: numFailedTests + unloadable.length }
}
