import { describe, expect, it } from 'vitest'
import { jobsSent } from './pipeline-watch.ts'

describe('jobsSent', () => {
  it.each([
    ['{"step":"warm","result":12}', 12],
    ['{"step":"warm","result":"skipped"}', null],
    ['{"step":"warm job","outcome":"loaded"}', null],
    ['"warm" is the word', null],
    ['', null],
  ])('of %j is %j', (line, sent) => {
    expect(jobsSent(line)).toBe(sent)
  })
})
