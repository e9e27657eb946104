import { describe, expect, it } from 'vitest'
import { seededRandom } from '../replay/random.ts'
import { killMoments } from './kill-moments.ts'

describe('killMoments', () => {
  it('are all while writes are made, in order, and the same for a seed', () => {
    const moments = killMoments(50, 100, seededRandom(3))
    expect(moments).toHaveLength(50)
    expect(killMoments(50, 100, seededRandom(3))).toEqual(moments)
    expect(killMoments(50, 100, seededRandom(4))).not.toEqual(moments)
    for (const [i, { afterWrites, delayMs }] of moments.entries()) {
      expect(afterWrites).toBeGreaterThanOrEqual(moments[i - 1]?.afterWrites ?? 1)
      expect(afterWrites).toBeLessThanOrEqual(100)
      expect(delayMs).toBeGreaterThanOrEqual(0)
    }
  })

  it('are none for none', () => {
    expect(killMoments(0, 10, Math.random)).toEqual([])
  })
})
