import { describe, expect, it } from 'vitest'
import { seededRandom } from './random.ts'
import { operationsOf } from './workload.ts'

const sequence = { keys: Array.from({ length: 10_000 }, (_, i) => i % 100), distinct: 100 }

describe('operationsOf', () => {
  it('keeps the order and turns a share into writes', () => {
    const operations = operationsOf(sequence, 0.05, seededRandom(1))
    expect(operations.map(({ key }) => key)).toEqual(sequence.keys)
    expect(operations.filter(({ write }) => write).length / operations.length).toBeCloseTo(0.05, 2)
  })

  it('writes never at 0 and always at 1', () => {
    expect(operationsOf(sequence, 0, seededRandom(1)).some(({ write }) => write)).toBe(false)
    expect(operationsOf(sequence, 1, seededRandom(1)).every(({ write }) => write)).toBe(true)
  })
})
