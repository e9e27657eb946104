import { ManualRuntime } from '@freshet/test-support'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sampleReads } from './sample.ts'

const Counts = fc.array(fc.record({ name: fc.nat(), reads: fc.integer({ min: 1, max: 1000 }) }), {
  maxLength: 60,
})

describe('a sample of reads', () => {
  it('is no larger than it may be, has all that is large, and never makes a count smaller', () => {
    fc.assert(
      fc.property(Counts, fc.integer({ min: 1, max: 20 }), fc.nat(), (counts, most, seed) => {
        const sample = sampleReads(counts, { least: 50, most }, new ManualRuntime(0, seed).random)
        expect(sample.length).toBeLessThanOrEqual(most)
        for (const one of sample) {
          const before = counts.filter(({ name }) => name === one.name).map(({ reads }) => reads)
          expect(one.reads).toBeGreaterThanOrEqual(Math.min(...before))
        }
        if (counts.length <= most)
          expect(sample.filter(({ reads }) => reads > 50)).toHaveLength(
            counts.filter(({ reads }) => reads > 50).length,
          )
      }),
    )
  })

  it.each([
    ['few that are told of', 10],
    ['all that chance names', 1000],
  ])('adds up to the reads that there were: %s', (_, most) => {
    const { random } = new ManualRuntime(0, 7)
    const counts = Array.from({ length: 200 }, (_, i) => ({ reads: Math.ceil(2000 / (i + 1)) }))
    const sum = (of: readonly { reads: number }[]) => of.reduce((total, { reads }) => total + reads, 0)
    let told = 0
    const rounds = 2000
    for (let round = 0; round < rounds; round++) told += sum(sampleReads(counts, { least: 20, most }, random))
    expect(told / rounds / sum(counts)).toBeCloseTo(1, 1)
  })

  it('has one row for twenty reads at the most, on average', () => {
    const { random } = new ManualRuntime(0, 3)
    const counts = Array.from({ length: 1000 }, () => ({ reads: 1 }))
    let rows = 0
    for (let round = 0; round < 100; round++)
      rows += sampleReads(counts, { least: 20, most: 1000 }, random).length
    expect(rows / 100).toBeGreaterThan(40)
    expect(rows / 100).toBeLessThan(60)
  })
})
