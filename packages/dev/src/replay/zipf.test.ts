import { describe, expect, it } from 'vitest'
import { seededRandom } from './random.ts'
import { zipfSequence } from './zipf.ts'

const sequence = (exponent: number) =>
  zipfSequence({ keys: 100, count: 50_000, exponent, random: seededRandom(3) })
const share = (requests: readonly number[], key: number) =>
  requests.filter((request) => request === key).length / requests.length

describe('zipfSequence', () => {
  it('asks for keys in proportion to their rank', () => {
    const requests = sequence(1)
    const harmonic = Array.from({ length: 100 }, (_, i) => 1 / (i + 1)).reduce((sum, value) => sum + value)
    expect(share(requests, 0)).toBeCloseTo(1 / harmonic, 2)
    expect(share(requests, 9)).toBeCloseTo(1 / 10 / harmonic, 2)
  })

  it('stays within the keys and reaches the last one', () => {
    const requests = sequence(0.5)
    expect(Math.min(...requests)).toBe(0)
    expect(Math.max(...requests)).toBe(99)
  })

  it('is even with the exponent 0', () => {
    expect(share(sequence(0), 42)).toBeCloseTo(0.01, 2)
  })

  it('can have a single key', () => {
    expect(zipfSequence({ keys: 1, count: 3, exponent: 1, random: () => 0.999 })).toEqual([0, 0, 0])
  })
})
