import { EventEmitter } from 'node:events'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { PlainError } from './plain-error.ts'
import { type ProgramHost, runProgram } from './program.ts'

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

function host(...args: string[]) {
  const exit = vi.fn()
  const disconnect = vi.fn()
  const argv = ['node', 'program', ...args]
  const source: ProgramHost = Object.assign(new EventEmitter(), {
    argv,
    env: { A: '1' },
    exit,
    disconnect,
    connected: true,
  })
  const emit = (event: string) => source instanceof EventEmitter && source.emit(event)
  return { source, exit, disconnect, emit }
}

describe('runProgram', () => {
  it('ends with the status of its program', async () => {
    vi.useFakeTimers()
    const { source, exit, disconnect } = host('--flag')
    await runProgram(async ({ argv, env }) => {
      expect(argv).toEqual(['--flag'])
      expect(env).toEqual({ A: '1' })
      return 3
    }, source)
    expect(source.exitCode).toBe(3)
    expect(disconnect).toHaveBeenCalledOnce()
    // It ends by itself; only what hangs is ended.
    expect(exit).not.toHaveBeenCalled()
    vi.advanceTimersByTime(2_000)
    expect(exit.mock.calls).toEqual([[3]])
  })

  it('prints why a program failed', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { source } = host()
    await runProgram(() => Promise.reject(new PlainError('PORT is "x"')), source)
    expect(error).toHaveBeenCalledWith('freshet: PORT is "x"')
    expect(source.exitCode).toBe(1)
  })

  it('ends by itself when stopping takes too long, or at the second Ctrl-C', async () => {
    vi.useFakeTimers()
    const { source, exit, emit } = host()
    void runProgram(() => new Promise(() => {}), source)
    emit('SIGINT')
    vi.advanceTimersByTime(1_000)
    expect(exit).not.toHaveBeenCalled()
    emit('SIGINT')
    expect(exit.mock.calls).toEqual([[130]])
    vi.advanceTimersByTime(10_000)
    expect(exit.mock.calls).toEqual([[130], [130]])
  })

  it('lets a program print', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    await runProgram(async ({ write }) => {
      write('hello')
      return 0
    }, host().source)
    expect(log).toHaveBeenCalledWith('hello')
  })
})
