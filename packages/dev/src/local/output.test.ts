import { PassThrough } from 'node:stream'
import { afterEach, expect, it, vi } from 'vitest'
import { forwardOutput, printOutput } from './output.ts'

afterEach(() => vi.restoreAllMocks())

it('hands on whole lines and where they came from', async () => {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const heard: [string, string][] = []
  forwardOutput((line, kind) => heard.push([line, kind]))(stdout, stderr)
  stdout.write('hel')
  stdout.write('lo\nworld\n')
  stderr.write('oh\n')
  await vi.waitFor(() => expect(heard.length).toBe(3))
  expect(heard).toEqual(
    expect.arrayContaining([
      ['hello', 'log'],
      ['world', 'log'],
      ['oh', 'error'],
    ]),
  )
})

it('prints to the stream that a line came from', () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  const error = vi.spyOn(console, 'error').mockImplementation(() => {})
  printOutput('hello', 'log')
  printOutput('oh', 'error')
  expect(log).toHaveBeenCalledWith('hello')
  expect(error).toHaveBeenCalledWith('oh')
})
