import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyText } from '../../test/arbitraries.ts'
import { fitsMessage, MessageTooLargeError, splitBatches } from './batches.ts'

const bytesOf = (body: unknown) => new TextEncoder().encode(JSON.stringify(body)).length

describe('splitBatches', () => {
  it('keeps all messages, in order, in batches that a queue takes', () => {
    const body = fc.tuple(anyText, fc.nat(60_000)).map(([text, n]) => ({ text, filler: 'é'.repeat(n / 2) }))
    fc.assert(
      fc.property(fc.array(body, { maxLength: 30 }), (bodies) => {
        const batches = splitBatches(bodies)
        expect(batches.flat().map((message) => message.body)).toEqual(bodies)
        for (const batch of batches) {
          expect(batch.length).toBeGreaterThan(0)
          expect(batch.length).toBeLessThanOrEqual(100)
          expect(batch.reduce((sum, message) => sum + bytesOf(message.body) + 100, 0)).toBeLessThanOrEqual(
            256_000,
          )
        }
      }),
      { numRuns: 50 },
    )
  })

  it.each([
    [0, []],
    [1, [1]],
    [100, [100]],
    [101, [100, 1]],
    [250, [100, 100, 50]],
  ])('makes of %i messages batches of %j', (count, sizes) => {
    const bodies = Array.from({ length: count }, (_, i) => i)
    expect(splitBatches(bodies).map((batch) => batch.length)).toEqual(sizes)
  })

  it('makes no more batches than the bytes need', () => {
    const bodies = Array.from({ length: 5 }, () => 'x'.repeat(100_000))
    expect(splitBatches(bodies).map((batch) => batch.length)).toEqual([2, 2, 1])
  })

  it('refuses a message that no queue would take, and says which', () => {
    const large = 'x'.repeat(128_000)
    expect(() => splitBatches(['a', large])).toThrow(MessageTooLargeError)
    expect(() => splitBatches(['a', large])).toThrow('message 1 has 128102 B; a queue takes at most 127900 B')
    expect([fitsMessage(large), fitsMessage('é'.repeat(70_000)), fitsMessage('x'.repeat(127_000))]).toEqual([
      false,
      false,
      true,
    ])
  })
})
