import { describe, expect, it } from 'vitest'
import { settle } from './settle.ts'

/** A log of which each run of the cron has some rows processed; a lease is in its way first. */
function fakeStack(unprocessed: number, each: number) {
  let leases = 1
  let runs = 0
  return {
    runs: () => runs,
    async sql(statements: readonly { sql: string }[]) {
      if (statements.length === 1) return [[{ rows: 9, distinct: 9, unprocessed, relayed: 0, sends: 0 }]]
      const aged = Array.from({ length: leases }, () => ({ name: 'schedule' }))
      leases = 0
      return [[], aged]
    },
    async runCron() {
      runs += 1
      unprocessed = Math.max(0, unprocessed - each)
    },
  }
}

const { signal } = new AbortController()
const patience = { everyMs: 1, atMostMs: 5 }

describe('settle', () => {
  it('runs the relay until nothing is left, past leases that nobody gives back', async () => {
    const stack = fakeStack(25, 10)
    expect(await settle(stack, signal, patience)).toEqual({ unprocessed: 25, leases: 1, rounds: 3 })
  })

  it('does nothing where there is nothing to do', async () => {
    expect(await settle(fakeStack(0, 1), signal, patience)).toEqual({ unprocessed: 0, leases: 0, rounds: 0 })
  })

  it('gives up on rows that nobody processes', async () => {
    expect(await settle(fakeStack(1, 0), signal, { everyMs: 1, atMostMs: 0 })).toMatchObject({ rounds: 40 })
  })
})
