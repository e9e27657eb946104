import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { aborted, onStopRequest } from './stop-request.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('onStopRequest', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'])('hears %s', (event) => {
    const source = new EventEmitter()
    const signal = onStopRequest(source, () => {})
    expect(signal.aborted).toBe(false)
    source.emit(event)
    expect(signal.aborted).toBe(true)
  })

  it('takes a second signal at once for the same keypress, a later one for impatience', () => {
    const source = new EventEmitter()
    const onImpatience = vi.fn()
    onStopRequest(source, onImpatience)
    source.emit('SIGINT')
    source.emit('SIGINT')
    source.emit('disconnect')
    expect(onImpatience).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1_000)
    source.emit('SIGINT')
    expect(onImpatience).toHaveBeenCalledOnce()
  })
})

describe('aborted', () => {
  it('waits for the signal, and not for one that was given before', async () => {
    const controller = new AbortController()
    const waiting = aborted(controller.signal)
    controller.abort()
    await waiting
    await aborted(controller.signal)
  })
})
