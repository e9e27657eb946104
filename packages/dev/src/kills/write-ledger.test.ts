import { describe, expect, it } from 'vitest'
import { WriteLedger } from './write-ledger.ts'

describe('WriteLedger', () => {
  it('keeps the newest version of each post, and those that may have been written', () => {
    const ledger = new WriteLedger()
    ledger.committed('a', 3)
    ledger.committed('a', 2)
    ledger.lost('a')
    ledger.lost('b')
    expect(ledger.newest).toEqual(
      new Map([
        ['a', 3],
        ['b', 0],
      ]),
    )
    expect(ledger).toMatchObject({ answered: 2, unknown: 2, repeated: [], refusals: [] })
  })

  it('sees a version that two writes were given', () => {
    const ledger = new WriteLedger()
    ledger.committed('a', 2)
    ledger.committed('b', 2)
    ledger.committed('a', 2)
    expect(ledger.repeated).toEqual(['a version 2'])
  })
})
