import { ManualRuntime } from '@freshet/test-support'
import { describe, expect, it } from 'vitest'
import { DeadlineError, sleep, withDeadline } from './deadline.ts'

/** A runtime that knows which timers are running. */
function counting() {
  const runtime = new ManualRuntime()
  const running = new Set<unknown>()
  return {
    ...runtime,
    running,
    advance: (ms: number) => runtime.advance(ms),
    setTimeout: (callback: () => void, ms: number) => {
      const handle = runtime.setTimeout(() => {
        running.delete(handle)
        callback()
      }, ms)
      running.add(handle)
      return handle
    },
    clearTimeout: (handle: unknown) => {
      running.delete(handle)
      runtime.clearTimeout(handle)
    },
  }
}

describe('withDeadline', () => {
  it('gives what the promise gives, and leaves no timer behind', async () => {
    const runtime = counting()
    expect(await withDeadline(runtime, Promise.resolve(1), 100, 'a thing')).toBe(1)
    await expect(withDeadline(runtime, Promise.reject(new Error('no')), 100, 'a thing')).rejects.toThrow('no')
    expect(runtime.running.size).toBe(0)
  })

  it('gives up when the time is up, and says on what', async () => {
    const runtime = counting()
    const waiting = withDeadline(runtime, new Promise(() => {}), 100, 'a thing').catch((error) => error)
    await runtime.advance(99)
    expect(runtime.running.size).toBe(1)
    await runtime.advance(1)
    expect(await waiting).toBeInstanceOf(DeadlineError)
    expect(String(await waiting)).toContain('a thing took over 100 ms')
  })

  it('takes what came while the isolate stood still, though the timer is looked at first', async () => {
    const runtime = new ManualRuntime()
    let answer: (value: string) => void = () => {}
    const promise = new Promise<string>((resolve) => {
      answer = resolve
    })
    const waiting = withDeadline(runtime, promise, 100, 'a thing')
    runtime.time += 5_000
    await runtime.advance(0)
    answer('in time')
    expect(await waiting).toBe('in time')
  })

  it('waits no longer than twice its time, however long the isolate stood still', async () => {
    const runtime = new ManualRuntime()
    const waiting = withDeadline(runtime, new Promise(() => {}), 100, 'a thing').catch((error) => error)
    runtime.time += 5_000
    await runtime.advance(100)
    expect(await waiting).toBeInstanceOf(DeadlineError)
  })

  it('lets a late failure pass unheard', async () => {
    const runtime = counting()
    let fail = () => {}
    const failing = new Promise((_, reject) => {
      fail = () => reject(new Error('late'))
    })
    const waiting = withDeadline(runtime, failing, 100, 'a thing').catch((error) => error)
    await runtime.advance(100)
    fail()
    expect(await waiting).toBeInstanceOf(DeadlineError)
  })
})

describe('sleep', () => {
  it('waits', async () => {
    const runtime = new ManualRuntime()
    let isAwake = false
    void sleep(runtime, 50).then(() => {
      isAwake = true
    })
    await runtime.advance(49)
    expect(isAwake).toBe(false)
    await runtime.advance(1)
    expect(isAwake).toBe(true)
  })
})
