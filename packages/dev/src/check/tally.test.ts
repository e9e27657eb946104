import { describe, expect, it } from 'vitest'
import { allPassed, oneCheck, summaryOf } from './tally.ts'

const lint = oneCheck('lint', true)
const knip = oneCheck('knip', false)
const tests = { name: 'dev#test', passed: 12, failed: 3 }

describe('summaryOf', () => {
  it('adds up, and ends with the line that says how it went', () => {
    expect(summaryOf([lint, { ...tests, failed: 0 }])).toBe('13 passed, 0 failed')
    expect(summaryOf([])).toBe('0 passed, 0 failed')
  })

  it('names what failed', () => {
    expect(summaryOf([lint, knip, tests])).toBe('failed: knip\nfailed: dev#test (3)\n13 passed, 4 failed')
  })
})

describe('allPassed', () => {
  it('needs all to pass, and something to have run', () => {
    expect(allPassed([lint])).toBe(true)
    expect(allPassed([lint, tests])).toBe(false)
    expect(allPassed([])).toBe(false)
  })
})
