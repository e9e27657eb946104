import { describe, expect, it } from 'vitest'
import { poll } from './poll.ts'

const patience = { everyMs: 5, atMostMs: 60 }
const { signal } = new AbortController()

describe('poll', () => {
  it('looks until it is so', async () => {
    let looks = 0
    expect(await poll(async () => ++looks === 3, patience, signal)).toBe(true)
    expect(looks).toBe(3)
  })

  it('gives up when it is not so in time', async () => {
    expect(await poll(async () => false, patience, signal)).toBe(false)
  })

  it('ends when asked to', async () => {
    const aborted = AbortSignal.abort(new Error('stop'))
    await expect(poll(async () => false, patience, aborted)).rejects.toThrow()
  })
})
