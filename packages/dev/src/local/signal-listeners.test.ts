import { afterEach, expect, it } from 'vitest'
import { keepSignals } from './signal-listeners.ts'

const ours = () => {}
afterEach(() => void process.off('SIGTERM', ours))

it('leaves only the listeners that were there before', () => {
  process.on('SIGTERM', ours)
  const before = process.listeners('SIGTERM')
  const created = keepSignals(() => {
    process.on('SIGTERM', () => process.exit(1))
    process.on('SIGINT', () => process.exit(1))
    return 'created'
  })
  expect(created).toBe('created')
  expect(process.listeners('SIGTERM')).toEqual(before)
  expect(process.listenerCount('SIGINT')).toBe(0)
})
