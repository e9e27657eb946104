import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startCron } from './cron.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('startCron', () => {
  it('runs first after firstSeconds, then every so many seconds', async () => {
    const run = vi.fn(async () => {})
    const stop = startCron({ seconds: 60, firstSeconds: 3, run, onError: () => {} })
    await vi.advanceTimersByTimeAsync(2_999)
    expect(run).toHaveBeenCalledTimes(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(run).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(120_000)
    expect(run).toHaveBeenCalledTimes(3)
    stop()
    await vi.advanceTimersByTimeAsync(120_000)
    expect(run).toHaveBeenCalledTimes(3)
  })

  it('goes on after a failure, which it reports', async () => {
    const onError = vi.fn()
    const run = vi.fn(async () => {
      throw new Error('down')
    })
    const stop = startCron({ seconds: 10, firstSeconds: 1, run, onError })
    await vi.advanceTimersByTimeAsync(11_000)
    expect(run).toHaveBeenCalledTimes(2)
    expect(onError).toHaveBeenCalledWith(new Error('down'))
    stop()
  })

  it('never runs twice at once, and says nothing of a run that was under way when it ended', async () => {
    const onError = vi.fn()
    let fail = () => {}
    const run = vi.fn(
      () =>
        new Promise<void>((_, reject) => {
          fail = () => reject(new Error('stopped'))
        }),
    )
    const stop = startCron({ seconds: 10, firstSeconds: 1, run, onError })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(run).toHaveBeenCalledTimes(1)
    stop()
    fail()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(run).toHaveBeenCalledTimes(1)
    expect(onError).not.toHaveBeenCalled()
  })
})
