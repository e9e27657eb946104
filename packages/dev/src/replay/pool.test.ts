import { describe, expect, it } from 'vitest'
import { runPool } from './pool.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('runPool', () => {
  it('begins in order and never has more than so many under way', async () => {
    const begun: number[] = []
    let underWay = 0
    let most = 0
    await runPool('abcdefghijklmnopqrst', 4, async (letter, index) => {
      expect(letter.charCodeAt(0)).toBe(97 + index)
      begun.push(index)
      underWay += 1
      most = Math.max(most, underWay)
      for (let i = 0; i <= index % 3; i += 1) await turn()
      underWay -= 1
    })
    expect(begun).toEqual(Array.from({ length: 20 }, (_, i) => i))
    expect(most).toBe(4)
  })

  it('does nothing for nothing', async () => {
    await runPool([], 4, () => Promise.reject(new Error('called')))
  })

  it('ends at the first failure', async () => {
    const begun: number[] = []
    const failing = runPool(new Array(100).keys(), 2, async (index) => {
      begun.push(index)
      await turn()
      if (index === 3) throw new Error('three')
    })
    await expect(failing).rejects.toThrow('three')
    await turn()
    expect(begun.length).toBeLessThan(8)
  })
})
