import { beforeEach, describe, expect, it } from 'vitest'
import { StalenessLedger } from './staleness-ledger.ts'

let ledger: StalenessLedger
beforeEach(() => {
  ledger = new StalenessLedger(5_000)
})

describe('StalenessLedger', () => {
  it('allows anything before the first write, and of other rows', () => {
    expect(ledger.oldestAllowed('a', 1_000_000)).toBe(0)
    ledger.committed('b', 7, 0)
    expect(ledger.oldestAllowed('a', 1_000_000)).toBe(0)
  })

  it('demands a version from more than the bound after its answer', () => {
    ledger.committed('a', 2, 1_000)
    expect(ledger.oldestAllowed('a', 1_001)).toBe(0)
    expect(ledger.oldestAllowed('a', 6_000)).toBe(0)
    expect(ledger.oldestAllowed('a', 6_001)).toBe(2)
  })

  it('demands the newest of the versions that are old enough', () => {
    ledger.committed('a', 2, 0)
    ledger.committed('a', 3, 1_000)
    ledger.committed('a', 4, 8_000)
    expect(ledger.oldestAllowed('a', 5_500)).toBe(2)
    expect(ledger.oldestAllowed('a', 7_000)).toBe(3)
    expect(ledger.oldestAllowed('a', 13_000)).toBe(3)
    expect(ledger.oldestAllowed('a', 13_001)).toBe(4)
  })

  it('keeps the newest version when answers overtake each other', () => {
    ledger.committed('a', 4, 0)
    ledger.committed('a', 3, 10)
    expect(ledger.oldestAllowed('a', 6_000)).toBe(4)
  })
})
