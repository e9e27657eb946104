import { describe, expect, it } from 'vitest'
import { countTests } from './test-report.ts'

const report = (testResults: unknown[], passed = 5, failed = 1) =>
  JSON.stringify({ numPassedTests: passed, numFailedTests: failed, numTotalTests: 6, testResults })

describe('countTests', () => {
  it('counts tests', () => {
    const files = [
      { status: 'passed', assertionResults: [{}] },
      { status: 'failed', assertionResults: [{}] },
    ]
    expect(countTests(report(files))).toEqual({ passed: 5, failed: 1 })
  })

  it('counts a file that could not be loaded as a failure', () => {
    expect(countTests(report([{ status: 'failed', assertionResults: [] }], 5, 0))).toEqual({
      passed: 5,
      failed: 1,
    })
  })

  it.each(['', 'null', '{}', '{"numPassedTests":-1,"numFailedTests":0,"testResults":[]}'])(
    'takes no %j',
    (text) => {
      expect(countTests(text)).toBeNull()
    },
  )
})
