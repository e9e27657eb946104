import { expect, it, vi } from 'vitest'
import { logLine, requestIdOf } from './request-id.ts'

it.each(['8c1d5f6f3b1e2d3a', '8c1d5f6f3b1e2d3a-FRA'])(
  'a request with the ray %s has that as its id',
  (ray) => {
    expect(requestIdOf(ray)).toBe(ray)
  },
)

it.each([undefined, '', 'made up', '8c1d5f6f3b1e2d3a-FRA"}\n{"level":"error"'])(
  'what is no ray, such as %j, gets into no log: the request has an id of our own',
  (ray) => {
    const id = requestIdOf(ray)
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
    expect(requestIdOf(ray)).not.toBe(id)
  },
)

it('a line is JSON, with the id where there is one', () => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => {})
  logLine('error', 'r1', { error: 'x' })
  logLine('error', undefined, { error: 'y' })
  const lines = error.mock.calls.map(([line]) => JSON.parse(String(line)))
  error.mockRestore()
  expect(lines).toEqual([
    { level: 'error', requestId: 'r1', error: 'x' },
    { level: 'error', error: 'y' },
  ])
})
