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
    await stop()
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
    await stop()
  })

  it('never runs twice at once, and stopping waits for the run under way', async () => {
    let finish = () => {}
    const run = vi.fn(() => new Promise<void>((resolve) => (finish = resolve)))
    const stop = startCron({ seconds: 10, firstSeconds: 1, run, onError: () => {} })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(run).toHaveBeenCalledTimes(1)
    let stopped = false
    const stopping = stop().then(() => (stopped = true))
    await vi.advanceTimersByTimeAsync(0)
    expect(stopped).toBe(false)
    finish()
    await stopping
    await vi.advanceTimersByTimeAsync(60_000)
    expect(run).toHaveBeenCalledTimes(1)
  })
})
