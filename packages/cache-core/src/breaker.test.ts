import { describe, expect, it } from 'vitest'
import { Breaker } from './breaker.ts'

function opened(now = 0): Breaker {
  const breaker = new Breaker()
  for (let i = 0; i < 3; i++) breaker.failed(now)
  return breaker
}

describe('a breaker', () => {
  it('opens at the third failure in a row', () => {
    const breaker = new Breaker()
    breaker.failed(0)
    breaker.failed(0)
    expect(breaker.isOpen).toBe(false)
    breaker.failed(0)
    expect(breaker.isOpen).toBe(true)
  })

  it('forgets failures at a success', () => {
    const breaker = new Breaker()
    for (let i = 0; i < 10; i++) {
      breaker.failed(0)
      breaker.failed(0)
      breaker.succeeded()
    }
    expect(breaker.isOpen).toBe(false)
  })

  it('has nothing to probe while it is closed', () => {
    expect(new Breaker().claimProbe(1e12)).toBe(false)
  })

  it('lets one caller probe after a second', () => {
    const breaker = opened(0)
    expect(breaker.claimProbe(999)).toBe(false)
    expect(breaker.claimProbe(1000)).toBe(true)
    expect(breaker.claimProbe(1000)).toBe(false)
  })

  it('doubles its pause with each probe that fails, up to 15 s', () => {
    const breaker = opened(0)
    let now = 0
    const pauses: number[] = []
    for (let i = 0; i < 6; i++) {
      const from = now
      while (!breaker.claimProbe(now)) now += 500
      pauses.push(now - from)
      breaker.failed(now)
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000])
  })

  it('does not take those who were still waiting when it opened for probes that failed', () => {
    const breaker = opened(0)
    for (let i = 0; i < 20; i++) breaker.failed(10)
    expect(breaker.claimProbe(1010)).toBe(true)
  })

  it('lets another caller probe when a probe is never heard of, however long its pause has become', () => {
    const breaker = opened(0)
    expect(breaker.claimProbe(1000)).toBe(true)
    expect(breaker.claimProbe(1999)).toBe(false)
    expect(breaker.claimProbe(2000)).toBe(true)
    for (let now = 2000; now < 100_000; now += 15_000) {
      breaker.claimProbe(now)
      breaker.failed(now)
    }
    expect(breaker.claimProbe(1e6)).toBe(true)
    expect([breaker.claimProbe(1e6 + 3999), breaker.claimProbe(1e6 + 4000)]).toEqual([false, true])
  })

  it('lapses when nobody came to probe, and opens again at the first failure', () => {
    const breaker = opened(0)
    expect([breaker.hasLapsed(15_999), breaker.hasLapsed(16_000)]).toEqual([false, true])
    breaker.failed(20_000)
    expect([breaker.isOpen, breaker.hasLapsed(20_000)]).toEqual([true, false])
    expect(new Breaker().hasLapsed(1e12)).toBe(false)
  })

  it('begins anew once it was closed', () => {
    const breaker = opened(0)
    for (let now = 0; now < 60_000; now += 100) if (breaker.claimProbe(now)) breaker.failed(now)
    breaker.succeeded()
    expect(breaker.isOpen).toBe(false)
    for (let i = 0; i < 3; i++) breaker.failed(100_000)
    expect(breaker.claimProbe(101_000)).toBe(true)
  })
})
