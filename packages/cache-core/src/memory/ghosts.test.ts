import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprint, Ghosts } from './ghosts.ts'

describe('ghosts', () => {
  it('are known once, while they are among the last that were added', () => {
    const ghosts = new Ghosts(100)
    for (let i = 0; i < 10; i++) ghosts.add(fingerprint(`k${i}`))
    expect(ghosts.take(fingerprint('k9'), 10)).toBe(true)
    expect(ghosts.take(fingerprint('k9'), 10)).toBe(false)
    expect(ghosts.take(fingerprint('k0'), 10)).toBe(true)
    expect(ghosts.take(fingerprint('k1'), 8)).toBe(false)
    expect(ghosts.take(fingerprint('never'), 10)).toBe(false)
    ghosts.clear()
    expect(ghosts.take(fingerprint('k5'), 10)).toBe(false)
  })

  it('take no more memory, however many there were', () => {
    const ghosts = new Ghosts(1000)
    const { bytes } = ghosts
    for (let i = 0; i < 100_000; i++) ghosts.add(fingerprint(`k${i}`))
    expect([ghosts.bytes, bytes <= 1000 * 2 * 8 * 2]).toEqual([bytes, true])
    let known = 0
    for (let i = 99_000; i < 100_000; i++) if (ghosts.take(fingerprint(`k${i}`), 1000)) known++
    expect(known).toBeGreaterThan(900)
    let strangers = 0
    for (let i = 0; i < 99_000; i++) if (ghosts.take(fingerprint(`k${i}`), 1000)) strangers++
    expect(strangers).toBe(0)
  })

  it('never take one for known that was not added', () => {
    const hash = fc.integer({ min: 0, max: 40 })
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), hash), { maxLength: 200 }), (steps) => {
        const ghosts = new Ghosts(8)
        const added = new Set<number>()
        for (const [isAdded, one] of steps) {
          if (isAdded) {
            ghosts.add(one)
            added.add(one)
          } else {
            if (ghosts.take(one, 8)) expect(added.has(one)).toBe(true)
            added.delete(one)
          }
        }
      }),
    )
  })

  it('tell keys apart by 30 bits', () => {
    const hashes = new Set(Array.from({ length: 20_000 }, (_, i) => fingerprint(`content:item:${i}:v1.1`)))
    expect(hashes.size).toBeGreaterThan(19_990)
    expect(Math.max(...hashes)).toBeLessThan(2 ** 30)
    expect(Math.min(...hashes)).toBeGreaterThanOrEqual(0)
  })
})
