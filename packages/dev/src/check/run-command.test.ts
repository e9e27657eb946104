import { afterEach, describe, expect, it, vi } from 'vitest'
import { runCommand } from './run-command.ts'

afterEach(() => vi.restoreAllMocks())

/** Runs a line of JavaScript in a Node of its own. */
const node = (script: string, signal = new AbortController().signal) =>
  runCommand({ command: process.execPath, args: ['-e', script], cwd: import.meta.dirname, signal })

describe('runCommand', () => {
  it('answers whether the command succeeded', async () => {
    expect(await node('')).toBe(true)
    expect(await node('process.exit(3)')).toBe(false)
    expect(await node('process.kill(process.pid)')).toBe(false)
  })

  it('runs it in its directory', async () => {
    const script = `process.exit(process.cwd() === ${JSON.stringify(import.meta.dirname)} ? 0 : 1)`
    expect(await node(script)).toBe(true)
  })

  it('says when there is no such command', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { signal } = new AbortController()
    expect(await runCommand({ command: 'no-such-command', args: [], cwd: '.', signal })).toBe(false)
    expect(error).toHaveBeenCalledWith(
      expect.stringContaining('no-such-command: spawn no-such-command ENOENT'),
    )
  })

  it('ends it when asked to', async () => {
    const stop = new AbortController()
    const running = node('setInterval(() => {}, 1000)', stop.signal)
    setTimeout(() => stop.abort(), 100)
    expect(await running).toBe(false)
  })
})
