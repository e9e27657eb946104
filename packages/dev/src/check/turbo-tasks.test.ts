import { describe, expect, it } from 'vitest'
import { checkOf, parseSummary } from './turbo-tasks.ts'

const task = { taskId: 'a#lint', task: 'lint', directory: 'packages/a', command: 'biome' }

describe('parseSummary', () => {
  it('answers which tasks there were and whether they succeeded', () => {
    const summary = {
      tasks: [
        { ...task, execution: { exitCode: 0 } },
        { ...task, taskId: 'b#lint', execution: { exitCode: 1, error: 'exited (1)' } },
        { ...task, taskId: 'c#lint', execution: { exitCode: null } },
        { ...task, taskId: 'd#lint' },
      ],
    }
    const { taskId: _, command: __, ...same } = task
    expect(parseSummary(JSON.stringify(summary))).toEqual([
      { ...same, taskId: 'a#lint', succeeded: true },
      { ...same, taskId: 'b#lint', succeeded: false },
      { ...same, taskId: 'c#lint', succeeded: false },
      { ...same, taskId: 'd#lint', succeeded: false },
    ])
  })

  it('leaves out packages without such a script', () => {
    expect(parseSummary(JSON.stringify({ tasks: [{ ...task, command: '<NONEXISTENT>' }] }))).toEqual([])
  })

  it('throws for anything else', () => {
    expect(() => parseSummary('{}')).toThrow()
  })
})

describe('checkOf', () => {
  const lint = { taskId: 'a#lint', task: 'lint', directory: 'a', succeeded: true }
  const test = { ...lint, taskId: 'a#test', task: 'test' }
  const report = (passed: number, failed: number) =>
    JSON.stringify({ numPassedTests: passed, numFailedTests: failed, testResults: [] })

  it('is one for a tool, whatever reports lie about', () => {
    expect(checkOf(lint, report(5, 5))).toEqual({ name: 'a#lint', passed: 1, failed: 0 })
    expect(checkOf({ ...lint, succeeded: false }, null)).toEqual({ name: 'a#lint', passed: 0, failed: 1 })
  })

  it('is the number of tests for a task of tests', () => {
    expect(checkOf(test, report(7, 0))).toEqual({ name: 'a#test', passed: 7, failed: 0 })
    expect(checkOf({ ...test, succeeded: false }, report(7, 2))).toEqual({
      name: 'a#test',
      passed: 7,
      failed: 2,
    })
  })

  it('is never without a failure when the task failed', () => {
    expect(checkOf({ ...test, succeeded: false }, report(7, 0))).toEqual({
      name: 'a#test',
      passed: 7,
      failed: 1,
    })
    expect(checkOf({ ...test, succeeded: false }, null)).toEqual({ name: 'a#test', passed: 0, failed: 1 })
    expect(checkOf({ ...test, succeeded: false }, 'cut sho')).toEqual({
      name: 'a#test',
      passed: 0,
      failed: 1,
    })
  })
})
