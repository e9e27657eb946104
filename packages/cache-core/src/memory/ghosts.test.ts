import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprint } from '../keys/fingerprint.ts'
import { Ghosts } from './ghosts.ts'

const named = (count: number, name: string) =>
  Array.from({ length: count }, (_, i) => fingerprint(`${name}${i}`))

describe('ghosts', () => {
  it('are known once, while they are among the last that were added', () => {
    const window = 1000
    const ghosts = new Ghosts(window)
    const keys = named(5000, 'k')
    for (const key of keys) ghosts.add(key, window)
    const shareOf = (some: readonly number[]) => some.filter((key) => ghosts.take(key)).length / some.length
    expect(shareOf(keys.slice(-100))).toBeGreaterThan(0.95)
    expect(shareOf(keys.slice(-600, -500))).toBeGreaterThan(0.5)
    expect(shareOf(keys.slice(0, 2000))).toBeLessThan(0.02)
    // They were taken.
    expect(shareOf(keys.slice(-100))).toBeLessThan(0.02)
    for (const key of keys) ghosts.add(key, window)
    ghosts.clear()
    expect(shareOf(keys)).toBe(0)
  })

  it('follow a window that grows and shrinks', () => {
    const ghosts = new Ghosts(10_000)
    for (const key of named(500, 'small')) ghosts.add(key, 100)
    expect(named(300, 'small').filter((key) => ghosts.take(key)).length).toBeLessThan(10)
    const grown = named(1000, 'grown')
    for (const key of grown) ghosts.add(key, 2000)
    expect(grown.filter((key) => ghosts.take(key)).length).toBeGreaterThan(900)
  })

  it('take no more memory, however many there were, and few strangers for known', () => {
    const ghosts = new Ghosts(1000)
    const { bytes } = ghosts
    for (const key of named(100_000, 'k')) ghosts.add(key, 1000)
    expect([ghosts.bytes, bytes <= 3 * 1000]).toEqual([bytes, true])
    const strangers = named(100_000, 'stranger').filter((key) => ghosts.take(key)).length
    expect(strangers / 100_000).toBeLessThan(0.001)
  })

  it('know what was added just now and not taken, whatever the window', () => {
    const step = fc.record({ hash: fc.nat(2 ** 30 - 1), window: fc.nat(40) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const ghosts = new Ghosts(20)
        for (const { hash, window } of steps) {
          ghosts.add(hash, window)
          ghosts.add(hash, window)
          expect([ghosts.take(hash), ghosts.take(hash)]).toEqual([true, true])
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
