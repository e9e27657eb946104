import { describe, expect, it } from 'vitest'
import { Deliveries } from './deliveries.ts'

const report = (received: number, ...events: string[]) =>
  JSON.stringify({ step: 'events', received, distinct: received, events, swept: 0 })

describe('Deliveries', () => {
  it('counts messages, and the events that they were processed for', () => {
    const deliveries = new Deliveries()
    deliveries.hear(report(3, 'a', 'b'))
    deliveries.hear(report(1))
    expect(deliveries).toMatchObject({ received: 4, processed: 2, twice: [] })
  })

  it('sees an event that was processed twice', () => {
    const deliveries = new Deliveries()
    deliveries.hear(report(1, 'a'))
    deliveries.hear(report(2, 'a', 'b'))
    expect(deliveries.twice).toEqual(['a'])
  })

  it.each(['', '"events"', '{"step":"events failed","events":1}', '{"step":"swept","events":["a"]}'])(
    'takes no notice of %j',
    (line) => {
      const deliveries = new Deliveries()
      deliveries.hear(line)
      expect(deliveries).toMatchObject({ received: 0, processed: 0 })
    },
  )
})
